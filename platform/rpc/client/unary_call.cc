#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/rpc/client/client_call.h"
#include "platform/rpc/internal/byte_buffer.h"
#include "platform/rpc/internal/outgoing_call.h"

namespace weft::rpc {
namespace {

// The whole call in one batch; lives on the calling fiber's stack until its tag is back.
class UnaryBatch final : public internal::Batch {
 public:
  UnaryBatch(internal::CoreCall& call, internal::ByteBuffer request)
      : call_(call), request_(std::move(request)) {}

  int Fill(grpc_op* ops) override {
    call_.FillSendInitialMetadata(&ops[0]);
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = request_.get();
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    call_.FillReceiveInitialMetadata(&ops[3]);
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &reply_;
    call_.FillReceiveStatus(&ops[5]);
    return 6;
  }
  void Notify(bool ok) override { end_.End(ok); }
  grpc_call* call() const override { return call_.core(); }

  // Parks until gRPC is done with the call. The status of the fiber's scope when that ended it.
  absl::Status Run() {
    end_.Begin();
    call_.poller().Submit(*this);
    const weft::internal::WakeReason reason = end_.Wait("rpc reply");
    if (reason == weft::internal::WakeReason::kNotified) return absl::OkStatus();
    absl::Status status = weft::internal::ParkStatus(reason, "waiting for an rpc reply");
    call_.Cancel();
    end_.WaitUncancellable("rpc cancellation");
    return status;
  }
  internal::ByteBuffer TakeReply() { return internal::ByteBuffer(std::exchange(reply_, nullptr)); }
  ~UnaryBatch() { TakeReply(); }

 private:
  internal::CoreCall& call_;
  const internal::ByteBuffer request_;
  grpc_byte_buffer* reply_ = nullptr;
  internal::Completion end_;
};

}  // namespace

absl::Status CallUnaryMessage(Channel& channel, const MethodDescriptor& method,
                              const google::protobuf::MessageLite& request,
                              google::protobuf::MessageLite* reply, const CallOptions& options) {
  internal::CoreCall call(channel, method, options);
  if (absl::Status s = call.Start(); !s.ok()) return s;
  internal::ByteBuffer bytes;
  if (absl::Status s = internal::SerializeMessage(request, &bytes); !s.ok()) {
    return call.End(std::move(s));
  }
  call.sent_bytes = grpc_byte_buffer_length(bytes.get());
  UnaryBatch batch(call, std::move(bytes));
  if (absl::Status s = batch.Run(); !s.ok()) return call.End(std::move(s));
  if (absl::Status s = call.ReceivedStatus(); !s.ok()) return call.End(std::move(s));
  const internal::ByteBuffer reply_bytes = batch.TakeReply();
  if (reply_bytes == nullptr) {
    return call.End(absl::InternalError("the server ended the call with OK but sent no reply"));
  }
  call.MessageReceived(*reply_bytes);
  return call.End(internal::ParseMessage(*reply_bytes, reply));
}

}  // namespace weft::rpc
