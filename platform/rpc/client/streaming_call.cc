#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/rpc/client/client_call.h"
#include "platform/rpc/internal/byte_buffer.h"
#include "platform/rpc/internal/outgoing_call.h"

namespace weft::rpc {
namespace {

using internal::Batch;
using internal::ByteBuffer;
using internal::Completion;
using internal::CoreCall;
using weft::internal::WakeReason;

// One operation of a stream that a fiber waits for.
class StreamBatch : public Batch {
 public:
  explicit StreamBatch(CoreCall& call) : call_(call) {}
  grpc_call* call() const override { return call_.core(); }
  void Notify(bool ok) override { end_.End(ok); }
  void Submit() {
    end_.Begin();
    call_.poller().Submit(*this);
  }
  Completion& end() { return end_; }

 protected:
  CoreCall& call_;
  Completion end_;
};

class StartBatch final : public StreamBatch {
 public:
  using StreamBatch::StreamBatch;
  int Fill(grpc_op* ops) override {
    call_.FillSendInitialMetadata(&ops[0]);
    call_.FillReceiveInitialMetadata(&ops[1]);
    return 2;
  }
};

class StatusBatch final : public StreamBatch {
 public:
  using StreamBatch::StreamBatch;
  int Fill(grpc_op* ops) override {
    call_.FillReceiveStatus(&ops[0]);
    return 1;
  }
};

class WriteBatch final : public StreamBatch {
 public:
  using StreamBatch::StreamBatch;
  int Fill(grpc_op* ops) override {
    int count = 0;
    if (message != nullptr) {
      ops[count].op = GRPC_OP_SEND_MESSAGE;
      ops[count].flags = flags;
      ops[count++].data.send_message.send_message = message.get();
    }
    if (half_close) ops[count++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    return count;
  }
  ByteBuffer message;
  uint32_t flags = 0;
  bool half_close = false;
};

class ReadBatch final : public StreamBatch {
 public:
  using StreamBatch::StreamBatch;
  ~ReadBatch() { ByteBuffer(message).reset(); }
  int Fill(grpc_op* ops) override {
    ops[0].op = GRPC_OP_RECV_MESSAGE;
    ops[0].data.recv_message.recv_message = &message;
    return 1;
  }
  grpc_byte_buffer* message = nullptr;
};

class StreamingCall final : public ClientCall {
 public:
  StreamingCall(Channel& channel, const MethodDescriptor& method, const CallOptions& options)
      : options_(options), outer_(channel, method, options_) {
    own_status_ = outer_.Start();
    if (own_status_.ok()) {
      own_status_ = call_.Start();
      if (!own_status_.ok()) End();
    }
    finished_ = !own_status_.ok();
    if (finished_) return;
    status_.Submit();
    start_.Submit();
  }
  ~StreamingCall() override {
    if (!finished_) Finish().IgnoreError();
  }

  bool Write(const google::protobuf::MessageLite& request, WriteOptions options) override {
    write_flags_ = options.compress ? 0 : GRPC_WRITE_NO_COMPRESS;
    return Send(&request, false);
  }
  bool WriteLast(const google::protobuf::MessageLite& request) override {
    return Send(&request, true);
  }
  void WritesDone() override {
    if (!half_closed_) Send(nullptr, true);
  }
  bool Read(google::protobuf::MessageLite* reply) override;
  void Cancel() override {
    if (!finished_) Fail(absl::CancelledError("cancelled by Cancel()"));
  }
  absl::Status Finish() override;
  absl::Status FinishAfterReply() override;

 private:
  bool Send(const google::protobuf::MessageLite* request, bool half_close);
  void GiveUp(WakeReason reason, const char* doing);
  void Fail(absl::Status status);
  void End() { own_status_ = outer_.End(call_.End(own_status_)); }

  const CallOptions options_;
  internal::OuterCall outer_;
  CoreCall call_{outer_};
  StartBatch start_{call_};
  StatusBatch status_{call_};
  WriteBatch write_{call_};
  ReadBatch read_{call_};
  uint32_t write_flags_ = 0;  // of the next message
  bool half_closed_ = false;
  bool reads_ended_ = false;
  bool finished_ = false;
  absl::Status own_status_;  // why this side gave the call up; wins over what gRPC then reports
};

void StreamingCall::Fail(absl::Status status) {
  if (own_status_.ok()) own_status_ = std::move(status);
  call_.Cancel();
}

void StreamingCall::GiveUp(WakeReason reason, const char* doing) {
  Fail(weft::internal::ParkStatus(reason, doing));
}

bool StreamingCall::Send(const google::protobuf::MessageLite* request, bool half_close) {
  if (finished_ || !own_status_.ok()) return false;
  if (half_closed_ || write_.end().pending()) {
    Fail(absl::FailedPreconditionError(
        half_closed_ ? "Write after WritesDone"
                     : "a Write of this call is in flight already: one fiber writes at a time"));
    return false;
  }
  write_.message.reset();
  if (request != nullptr) {
    if (absl::Status s = internal::SerializeMessage(*request, &write_.message); !s.ok()) {
      Fail(std::move(s));
      return false;
    }
    call_.sent_bytes += grpc_byte_buffer_length(write_.message.get());
  }
  write_.flags = write_flags_;
  write_.half_close = half_closed_ = half_close;
  write_.Submit();
  const WakeReason reason = write_.end().Wait("rpc write");
  if (reason == WakeReason::kNotified) return write_.end().ok();
  GiveUp(reason, "writing to an rpc stream");
  write_.end().WaitUncancellable("rpc write of a cancelled call");
  return false;
}

bool StreamingCall::Read(google::protobuf::MessageLite* reply) {
  if (finished_ || reads_ended_ || !own_status_.ok()) return false;
  if (read_.end().pending()) {
    Fail(absl::FailedPreconditionError(
        "a Read of this call is in flight already: one fiber reads at a time"));
    return false;
  }
  read_.Submit();
  const WakeReason reason = read_.end().Wait("rpc read");
  if (reason != WakeReason::kNotified) {
    GiveUp(reason, "reading from an rpc stream");
    read_.end().WaitUncancellable("rpc read of a cancelled call");
  }
  const ByteBuffer message(std::exchange(read_.message, nullptr));
  if (message == nullptr || !own_status_.ok()) {
    reads_ended_ = true;
    return false;
  }
  call_.MessageReceived(*message);
  if (absl::Status s = internal::ParseMessage(*message, reply); !s.ok()) {
    Fail(std::move(s));
    return false;
  }
  return true;
}

absl::Status StreamingCall::Finish() {
  if (!finished_ && !reads_ended_ && own_status_.ok()) {
    // The server may still be sending. What it says after this is not wanted.
    Fail(absl::CancelledError("cancelled by Finish() before the server had ended the stream"));
  }
  return FinishAfterReply();
}

absl::Status StreamingCall::FinishAfterReply() {
  if (finished_) return own_status_;
  const WakeReason reason = status_.end().Wait("rpc status");
  if (reason != WakeReason::kNotified) GiveUp(reason, "waiting for an rpc status");
  status_.end().WaitUncancellable("rpc status of a cancelled call");
  start_.end().WaitUncancellable("rpc start of a cancelled call");
  read_.end().WaitUncancellable("rpc read of a cancelled call");
  write_.end().WaitUncancellable("rpc write of a cancelled call");
  finished_ = true;
  if (own_status_.ok()) own_status_ = call_.ReceivedStatus();
  End();
  return own_status_;
}

}  // namespace

std::unique_ptr<ClientCall> ClientCall::Start(Channel& channel, const MethodDescriptor& method,
                                              const CallOptions& options) {
  return std::make_unique<StreamingCall>(channel, method, options);
}

}  // namespace weft::rpc
