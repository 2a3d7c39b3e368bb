// What unary and streaming client calls have in common: deadline, metadata, interceptors, status.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_CALL_H_
#define WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_CALL_H_

#include <grpc/grpc.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/internal/completion_queue_poller.h"
#include "platform/rpc/method.h"

namespace weft::rpc::internal {

// Made, used and destroyed on fibers of one shard. Requires for destruction: no tag is out.
class CoreCall {
 public:
  CoreCall(Channel& channel, const MethodDescriptor& method, const CallOptions& options);
  ~CoreCall();
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

  // Runs the interceptors' starts and makes gRPC's call. On an error there is no call, and End()
  // has been told.
  absl::Status Start();

  grpc_call* core() const { return core_; }
  CompletionQueuePoller& poller() { return *poller_; }
  void Cancel() { grpc_call_cancel(core_, nullptr); }

  // The operations that every call has.
  void FillSendInitialMetadata(grpc_op* op);
  void FillReceiveInitialMetadata(grpc_op* op);
  void FillReceiveStatus(grpc_op* op);

  // The status that gRPC reported, once that operation has ended, with the method and the target in
  // its text.
  absl::Status ReceivedStatus() const;
  // Counts a message that has come.
  void MessageReceived(grpc_byte_buffer& message);
  // Tells the interceptors and hands out the received metadata. Once, at the end; returns `status`.
  absl::Status End(absl::Status status);

  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;

 private:
  Channel& channel_;
  const MethodDescriptor& method_;
  const CallOptions& options_;
  CompletionQueuePoller* const poller_;
  Metadata metadata_;
  std::vector<std::unique_ptr<ClientCallTracker>> trackers_;
  grpc_call* core_ = nullptr;
  std::vector<grpc_metadata> core_metadata_;
  grpc_metadata_array initial_metadata_ = {};
  grpc_metadata_array trailing_metadata_ = {};
  grpc_status_code code_ = GRPC_STATUS_UNKNOWN;
  grpc_slice message_ = {};
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_CALL_H_
