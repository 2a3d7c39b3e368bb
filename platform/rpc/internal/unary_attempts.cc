#include "platform/rpc/internal/unary_attempts.h"

#include <optional>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/internal/byte_buffer.h"
#include "platform/rpc/internal/channel_retries.h"

namespace weft::rpc::internal {
namespace {

// A whole attempt in one batch; lives on the calling fiber's stack until its tag is back.
class UnaryBatch final : public Batch {
 public:
  UnaryBatch(CoreCall& call, ByteBuffer request) : call_(call), request_(std::move(request)) {}

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
  ByteBuffer TakeReply() { return ByteBuffer(std::exchange(reply_, nullptr)); }
  ~UnaryBatch() { TakeReply(); }

 private:
  CoreCall& call_;
  const ByteBuffer request_;
  grpc_byte_buffer* reply_ = nullptr;
  Completion end_;
};

// The request is serialized anew each time: gRPC takes the bytes away, and a copy of them would
// cost every call that is not sent again.
absl::Status RunAttempt(CoreCall& call, const google::protobuf::MessageLite& request,
                        google::protobuf::MessageLite* reply) {
  if (absl::Status s = call.Start(); !s.ok()) return s;
  ByteBuffer bytes;
  if (absl::Status s = SerializeMessage(request, &bytes); !s.ok()) return s;
  call.sent_bytes = grpc_byte_buffer_length(bytes.get());
  UnaryBatch batch(call, std::move(bytes));
  if (absl::Status s = batch.Run(); !s.ok()) return s;
  if (absl::Status s = call.ReceivedStatus(); !s.ok()) return s;
  const ByteBuffer reply_bytes = batch.TakeReply();
  if (reply_bytes == nullptr) {
    return absl::InternalError("the server ended the call with OK but sent no reply");
  }
  call.MessageReceived(*reply_bytes);
  return ParseMessage(*reply_bytes, reply);
}

// The wait before the next attempt; nullopt: there is to be none.
std::optional<absl::Duration> WaitAfter(const absl::Status& status, const CoreCall& attempt,
                                        const OuterCall& call, int* backoffs) {
  const CancelScope* const scope = CancelScope::Current();
  if (attempt.core() == nullptr || (scope != nullptr && scope->cancelled())) return std::nullopt;
  FailedAttempt failed = {.code = status.code(),
                          .number = attempt.number(),
                          .pushback = attempt.trailing_metadata().Find(kRetryPushbackKey),
                          .repeatable = call.repeatable()};
  if (!failed.repeatable && call.options().retry && failed.code == absl::StatusCode::kUnavailable &&
      call.method().options.retry != Retry::kNever) {
    failed.never_sent = attempt.NeverSent();
  }
  const auto wait = call.channel().retries().Failed(failed, backoffs);
  if (!wait.has_value() || weft::Now() + *wait >= call.deadline()) return std::nullopt;
  return wait;
}

}  // namespace

absl::Status MakeAttempts(OuterCall& call, const google::protobuf::MessageLite& request,
                          google::protobuf::MessageLite* reply) {
  int backoffs = 0;
  for (;;) {
    std::optional<absl::Duration> wait;
    {
      CoreCall attempt(call);
      absl::Status status = RunAttempt(attempt, request, reply);
      if (status.ok()) {
        call.channel().retries().Succeeded();
      } else {
        wait = WaitAfter(status, attempt, call, &backoffs);
      }
      status = attempt.End(std::move(status), wait.has_value());
      if (!wait.has_value()) return status;
    }
    if (absl::Status s = weft::SleepFor(*wait); !s.ok()) return s;
  }
}

absl::Status MakeHedge(OuterCall& call, const CallOptions& options,
                       const google::protobuf::MessageLite& request,
                       google::protobuf::MessageLite* reply) {
  CoreCall attempt(call, options);
  absl::Status status = RunAttempt(attempt, request, reply);
  if (status.ok()) call.channel().retries().Succeeded();
  return attempt.End(std::move(status));
}

}  // namespace weft::rpc::internal
