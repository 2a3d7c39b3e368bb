// ServerCallImpl: the life of one call on the server. Read it from top to bottom:
//
//   Begin()        a call has come to a slot (accept_slot.h, on the loop); a fiber is started
//   Run()          on the fiber: interceptors, handler; while the handler runs it may park in
//                  Read() and Write() or anywhere else. Its first park asks gRPC to tell us when
//                  the client goes away
//   Finish()       the status, with the reply of a unary call, is submitted; the fiber ends
//   OnBatchEnd()   gRPC has let go of all tags (on the loop): the object goes back to the pool
//
// All of it happens on one shard, so nothing is locked. A call may wait long and among many, so
// what few calls need is made when it is needed, and what is read once is let go of.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_SERVER_CALL_IMPL_H_
#define WEFT_PLATFORM_RPC_INTERNAL_SERVER_CALL_IMPL_H_

#include <grpc/grpc.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/rpc/internal/accept_slot.h"
#include "platform/rpc/internal/byte_buffer.h"
#include "platform/rpc/internal/connection.h"
#include "platform/rpc/internal/message_compression.h"
#include "platform/rpc/internal/operation.h"
#include "platform/rpc/internal/outgoing_metadata.h"
#include "platform/rpc/server/server_call.h"

namespace weft::rpc::internal {

class ServerShard;

class ServerCallImpl final : public ServerCall, private weft::internal::FiberBody {
 public:
  explicit ServerCallImpl(ServerShard& shard) : shard_(shard) {}

  // Serves a call. On the loop.
  void Begin(const AcceptedCall& accepted);

  // The server drains: the handler sees its cancellation. No-op when it has returned already.
  void CancelForDrain();
  // The server begins to drain: ends a ReadUntilDrain() under way.
  void TellOfDrain();
  bool handler_runs() const { return handler_runs_; }

  // CallContext
  absl::string_view requested_method() const override;
  std::string peer() const override;
  std::vector<std::string> peer_identities() const override;
  absl::Time deadline() const override;
  CancelScope& scope() override { return *scope_; }
  Event& drain_event() override;
  MetadataView metadata() const override;
  void AddInitialMetadata(absl::string_view key, absl::string_view value) override;
  void AddTrailingMetadata(absl::string_view key, absl::string_view value) override;
  void CompressReplies() override { compress_replies_ = true; }
  bool request_was_compressed() const override { return LastMessageWasCompressed(core_); }

  // ServerCall
  absl::Status ReadRequest(google::protobuf::MessageLite* request) override;
  absl::Status SetReply(const google::protobuf::MessageLite& reply) override;
  absl::StatusOr<bool> Read(google::protobuf::MessageLite* request) override {
    return ReadNext(request, /*until_drain=*/false);
  }
  absl::StatusOr<bool> ReadUntilDrain(google::protobuf::MessageLite* request) override {
    return ReadNext(request, /*until_drain=*/true);
  }
  absl::Status Write(const google::protobuf::MessageLite& reply, WriteOptions options) override;

  // Links of the shard's list of calls being served.
  ServerCallImpl* next_active = nullptr;
  ServerCallImpl* previous_active = nullptr;

 private:
  // The batches of a call. Each is in flight at most once, and Notify() goes to OnBatchEnd().
  class CallBatch : public Batch {
   public:
    explicit CallBatch(ServerCallImpl& owner) : call_(owner) {}
    grpc_call* call() const final { return call_.core_; }

   protected:
    ServerCallImpl& call_;
  };
  // Tells when the call is over, however it ends.
  class CloseBatch final : public CallBatch {
   public:
    using CallBatch::CallBatch;
    int Fill(grpc_op* ops) override;
    void Notify(bool ok) override;
  };
  class ReadBatch final : public CallBatch {
   public:
    using CallBatch::CallBatch;
    int Fill(grpc_op* ops) override;
    void Notify(bool ok) override;
  };
  class WriteBatch final : public CallBatch {
   public:
    using CallBatch::CallBatch;
    int Fill(grpc_op* ops) override;
    void Notify(bool ok) override;
    HoldsWrites* connection() const override { return call_.connection_; }
  };
  // The last one: status, and the reply of a unary call.
  class FinishBatch final : public CallBatch {
   public:
    using CallBatch::CallBatch;
    int Fill(grpc_op* ops) override;
    void Started() override;
    void Notify(bool ok) override;
    HoldsWrites* connection() const override { return call_.connection_; }
  };

  void Run() override;
  void Finished() override {}
  void OnFirstPark() override;
  int64_t DefaultDeadlineNanos() const;
  int64_t HandlerDeadlineNanos() const;
  absl::Status RunInterceptors(size_t index);
  absl::Status RunHandler();
  absl::Status CheckMetadata() const;
  void Finish(const absl::Status& status);
  void FinishWithError(const absl::Status& status);
  void Submit(Batch& batch);
  void OnBatchEnd();
  bool DeadlineIsNear() const;
  void NoticeClientGone();
  void Reset();
  weft::internal::WakeReason WaitForMessage(Completion& end, const char* kind);
  absl::Status StoppedStatus(weft::internal::WakeReason reason, absl::string_view doing) const;
  absl::Status PaceRead();
  absl::StatusOr<bool> ReadNext(google::protobuf::MessageLite* request, bool until_drain);
  absl::Status CheckSize(grpc_byte_buffer& message) const;
  int FillInitialMetadata(grpc_op* op);

  ServerShard& shard_;
  const RegisteredMethod* registered_ = nullptr;
  CloseBatch close_{*this};
  ReadBatch read_{*this};
  WriteBatch write_{*this};
  FinishBatch finish_{*this};

  grpc_call* core_ = nullptr;
  ByteBuffer request_;  // until it is parsed
  std::vector<grpc_metadata> received_metadata_;
  std::unique_ptr<const std::string> unregistered_path_;  // null for a method that we serve
  ShardConnection* connection_ = nullptr;
  std::optional<weft::internal::RootScope> scope_;
  int64_t deadline_nanos_ = kNeverNanos;
  int64_t bucket_full_nanos_ = 0;   // PaceRead
  int64_t last_message_nanos_ = 0;  // kept where streams have an idle timeout
  int batches_in_flight_ = 0;
  bool handler_runs_ = false;
  bool close_watched_ = false;
  bool initial_metadata_sent_ = false;
  bool reads_ended_ = false;
  bool read_until_drain_ = false;  // what the read in flight is
  bool read_left_ = false;         // by a ReadUntilDrain(), for the next Read() to take up
  bool compress_replies_ = false;
  uint32_t write_flags_ = 0;  // of the write in flight
  int was_cancelled_ = 0;     // filled by gRPC at the end

  grpc_byte_buffer* incoming_ = nullptr;  // of the read in flight
  ByteBuffer outgoing_;                   // of the write in flight, or the reply
  Completion read_end_;
  Completion write_end_;

  OutgoingMetadata initial_metadata_;
  OutgoingMetadata trailing_metadata_;
  grpc_status_code status_code_ = GRPC_STATUS_OK;
  grpc_slice status_message_ = {};
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_SERVER_CALL_IMPL_H_
