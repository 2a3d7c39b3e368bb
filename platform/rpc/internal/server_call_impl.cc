#include "platform/rpc/internal/server_call_impl.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/alloc.h>

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "platform/fiber/fiber.h"
#include "platform/rpc/internal/peer_identity.h"
#include "platform/rpc/internal/server_shard.h"
#include "platform/rpc/internal/status.h"

namespace weft::rpc::internal {
namespace {

constexpr int64_t kDeadlineSlackNanos = 5'000'000;

}  // namespace

// --- On the loop -----------------------------------------------------------------------------

void ServerCallImpl::Begin(const AcceptedCall& accepted) {
  registered_ = &accepted.method;
  method_ = registered_->descriptor;
  if (registered_->handle == nullptr) {
    unregistered_path_ = std::make_unique<const std::string>(accepted.path);
  }
  core_ = accepted.core;
  request_.reset(accepted.request);
  received_metadata_.assign(accepted.metadata.begin(), accepted.metadata.end());
  accepted_nanos_ = shard_.clock().MonotonicNanos();
  deadline_nanos_ = accepted.deadline_nanos;
  if (deadline_nanos_ == kNeverNanos) deadline_nanos_ = DefaultDeadlineNanos();
  connection_ = shard_.connections().Find(core_);
  if (connection_ != nullptr) connection_->CallBegan();
  scope_.emplace(HandlerDeadlineNanos(), method_->name());
  if (deadline_nanos_ <= accepted_nanos_) {
    Finish(absl::DeadlineExceededError("the deadline had passed before the call was served"));
    return;
  }
  handler_runs_ = true;
  if (!weft::internal::StartFiber(*this, {.name = method_->name(),
                                          .scope = &*scope_,
                                          .notify_first_park = true,
                                          .stack = registered_->stack})) {
    handler_runs_ = false;
    Finish(absl::ResourceExhaustedError("the server has no fiber left for this call"));
  }
}

// For a call whose client waits for ever.
int64_t ServerCallImpl::DefaultDeadlineNanos() const {
  const absl::Duration timeout = method_->options.default_timeout;
  if (timeout == absl::InfiniteDuration()) return kNeverNanos;
  return accepted_nanos_ + absl::ToInt64Nanoseconds(timeout);
}

// Short calls keep most of their time.
int64_t ServerCallImpl::HandlerDeadlineNanos() const {
  if (deadline_nanos_ == kNeverNanos) return kNeverNanos;
  const int64_t left_nanos = std::max<int64_t>(deadline_nanos_ - accepted_nanos_, 0);
  return deadline_nanos_ -
         std::min(absl::ToInt64Nanoseconds(shard_.options().deadline_margin), left_nanos / 10);
}

// --- Serving, on the call's fiber ------------------------------------------------------------

void ServerCallImpl::Run() {
  const absl::Status status = RunInterceptors(0);
  handler_runs_ = false;
  Finish(status);
}

absl::Status ServerCallImpl::RunInterceptors(size_t index) {
  const std::vector<ServerInterceptor*>& interceptors = shard_.interceptors();
  if (index == interceptors.size()) return RunHandler();
  return interceptors[index]->Intercept(*this,
                                        [this, index] { return RunInterceptors(index + 1); });
}

absl::Status ServerCallImpl::RunHandler() {
  if (registered_->handler == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("no method '", requested_method(), "' is served here"));
  }
  // It may have waited for its turn, or in an interceptor.
  const int64_t now_nanos = shard_.clock().MonotonicNanos();
  if (deadline_nanos_ <= now_nanos) {
    return absl::DeadlineExceededError("the deadline had passed before the handler's turn came");
  }
  handler_started_nanos_ = now_nanos;
  try {
    const absl::Status status = registered_->handler(*registered_->service, *this);
    const absl::Status sendable = CheckMetadata();
    return sendable.ok() ? status : sendable;
  } catch (const std::exception& e) {
    return absl::InternalError(
        absl::StrCat("the handler of ", method_->name(), " threw an exception: ", e.what()));
  } catch (...) {
    return absl::InternalError(
        absl::StrCat("the handler of ", method_->name(), " threw something unknown"));
  }
}

void ServerCallImpl::OnFirstPark() {
  close_watched_ = true;
  Submit(close_);
}

absl::Status ServerCallImpl::CheckSize(grpc_byte_buffer& message) const {
  const size_t size = grpc_byte_buffer_length(&message);
  const int limit = shard_.options().max_receive_message_bytes;
  if (limit < 0 || size <= static_cast<size_t>(limit)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the request of ", size, " bytes is over this server's limit of ", limit,
                   " bytes (ServerOptions::max_receive_message_bytes)"));
}

absl::Status ServerCallImpl::ReadRequest(google::protobuf::MessageLite* request) {
  const ByteBuffer message = std::move(request_);
  if (message == nullptr) {
    // A client that went away sends none either; its cancellation follows on another tag.
    if (grpc_call_failed_before_recv_message(core_) != 0) NoticeClientGone();
    if (scope_->cancelled()) return scope_->status();
    return absl::InternalError("the client sent no request");
  }
  if (absl::Status s = CheckSize(*message); !s.ok()) return s;
  received_bytes_ += grpc_byte_buffer_length(message.get());
  return ParseMessage(*message, request);
}

absl::Status ServerCallImpl::SetReply(const google::protobuf::MessageLite& reply) {
  if (absl::Status s = SerializeMessage(reply, &outgoing_); !s.ok()) return s;
  sent_bytes_ += grpc_byte_buffer_length(outgoing_.get());
  return absl::OkStatus();
}

// Ends with kDeadline when no message has moved, in either direction, for the idle timeout.
weft::internal::WakeReason ServerCallImpl::WaitForMessage(Completion& end, const char* kind) {
  const int64_t timeout_nanos = shard_.stream_idle_nanos();
  if (timeout_nanos == kNeverNanos) return end.Wait(kind);
  int64_t quiet_since_nanos = shard_.clock().MonotonicNanos();
  for (;;) {
    quiet_since_nanos = std::max(quiet_since_nanos, last_message_nanos_);
    const weft::internal::WakeReason reason = end.Wait(kind, quiet_since_nanos + timeout_nanos);
    if (!end.pending()) last_message_nanos_ = shard_.clock().MonotonicNanos();
    // Another fiber of the call may have moved one meanwhile.
    if (reason != weft::internal::WakeReason::kDeadline ||
        last_message_nanos_ <= quiet_since_nanos) {
      return reason;
    }
  }
}

absl::Status ServerCallImpl::StoppedStatus(weft::internal::WakeReason reason,
                                           absl::string_view doing) const {
  if (reason != weft::internal::WakeReason::kDeadline) {
    return weft::internal::ParkStatus(reason, doing);
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "no message came or went for ", absl::FormatDuration(shard_.options().stream_idle_timeout),
      ", the idle timeout of this server's streams (while ", doing, ")"));
}

absl::Status ServerCallImpl::PaceRead() {
  const CellRate& rate = shard_.stream_read_rate();
  const int64_t now_nanos = shard_.clock().MonotonicNanos();
  bucket_full_nanos_ = rate.Take(bucket_full_nanos_, now_nanos);
  const int64_t wait_nanos = rate.Wait(bucket_full_nanos_, now_nanos);
  return wait_nanos <= 0 ? absl::OkStatus() : weft::SleepFor(absl::Nanoseconds(wait_nanos));
}

absl::StatusOr<bool> ServerCallImpl::ReadNext(google::protobuf::MessageLite* request,
                                              bool until_drain) {
  if (reads_ended_) return false;
  if (read_end_.pending() && !read_left_) {
    return absl::FailedPreconditionError(
        "a Read of this call is in flight already: one fiber reads at a time");
  }
  if (until_drain && draining()) return false;
  if (!read_left_ && shard_.stream_read_rate().token_nanos > 0) {
    if (absl::Status s = PaceRead(); !s.ok()) {
      reads_ended_ = true;
      return s;
    }
  }
  if (!std::exchange(read_left_, false)) {
    read_end_.Begin();
    Submit(read_);
  }
  read_until_drain_ = until_drain;
  const weft::internal::WakeReason reason = WaitForMessage(read_end_, "rpc read");
  if (reason == weft::internal::WakeReason::kNotified && read_end_.pending()) {
    read_left_ = true;
    return false;
  }
  if (reason != weft::internal::WakeReason::kNotified) {
    reads_ended_ = true;  // The batch ends with the call; what it brings is dropped.
    return StoppedStatus(reason, "reading a request");
  }
  if (incoming_ == nullptr) {
    reads_ended_ = true;
    // A client that went away also ends its requests; its cancellation follows on another tag.
    if (grpc_call_failed_before_recv_message(core_) != 0) NoticeClientGone();
    if (scope_->cancelled()) return scope_->status();
    return false;
  }
  const ByteBuffer message(std::exchange(incoming_, nullptr));
  if (absl::Status s = CheckSize(*message); !s.ok()) return s;
  received_bytes_ += grpc_byte_buffer_length(message.get());
  if (absl::Status s = ParseMessage(*message, request); !s.ok()) return s;
  return true;
}

absl::Status ServerCallImpl::CheckMetadata() const {
  for (const OutgoingMetadata* metadata : {&initial_metadata_, &trailing_metadata_}) {
    if (absl::Status s = metadata->Validate(); !s.ok()) return absl::InternalError(s.message());
  }
  return absl::OkStatus();
}

absl::Status ServerCallImpl::Write(const google::protobuf::MessageLite& reply,
                                   WriteOptions options) {
  if (write_end_.pending()) {
    return absl::FailedPreconditionError(
        "a Write of this call is in flight already: one fiber writes at a time");
  }
  if (scope_->cancelled()) return scope_->status();
  if (absl::Status s = initial_metadata_.Validate(); !s.ok()) {
    return absl::InternalError(s.message());
  }
  if (absl::Status s = SerializeMessage(reply, &outgoing_); !s.ok()) return s;
  sent_bytes_ += grpc_byte_buffer_length(outgoing_.get());
  write_flags_ = options.compress ? 0 : GRPC_WRITE_NO_COMPRESS;
  write_end_.Begin();
  Submit(write_);
  const weft::internal::WakeReason reason = WaitForMessage(write_end_, "rpc write");
  if (reason != weft::internal::WakeReason::kNotified) {
    // The status cannot be sent behind a message that is stuck in flow control: give up the call.
    const absl::Status status = StoppedStatus(reason, "writing a reply");
    grpc_call_cancel_with_status(core_, ToCoreCode(status), "the handler was cancelled", nullptr);
    write_end_.WaitUncancellable("rpc write of a cancelled call");
    outgoing_.reset();
    return status;
  }
  outgoing_.reset();
  if (write_end_.ok()) return absl::OkStatus();
  if (scope_->cancelled()) return scope_->status();
  return absl::CancelledError("cancelled: client gone");
}

void ServerCallImpl::Finish(const absl::Status& handler_status) {
  // Interceptors may have added some.
  absl::Status status = CheckMetadata();
  if (status.ok()) status = handler_status;
  if (!status.ok()) FinishWithError(status);
  Submit(finish_);
}

void ServerCallImpl::FinishWithError(const absl::Status& status) {
  outgoing_.reset();
  const SentStatus sent = ToSent(status, shard_.options().send_internal_messages);
  status_code_ = sent.code;
  if (!sent.message.empty()) {
    status_message_ = grpc_slice_from_copied_buffer(sent.message.data(), sent.message.size());
  }
  if (!sent.details.empty()) trailing_metadata_.Add(kDetailsKey, sent.details);
}

void ServerCallImpl::CancelForDrain() {
  if (handler_runs_) scope_->Cancel(CancelCause::kDrain, "the server is shutting down");
}

void ServerCallImpl::TellOfDrain() {
  if (read_until_drain_) read_end_.Interrupt();
}

// --- Batches ---------------------------------------------------------------------------------

void ServerCallImpl::Submit(Batch& batch) {
  ++batches_in_flight_;
  shard_.poller().Submit(batch);
}

void ServerCallImpl::OnBatchEnd() {
  if (--batches_in_flight_ > 0 || handler_runs_) return;
  Reset();
  shard_.CallEnded(*this);
}

// Once a call: the metadata goes before the first message, or with the status.
int ServerCallImpl::FillInitialMetadata(grpc_op* op) {
  if (initial_metadata_sent_) return 0;
  initial_metadata_sent_ = true;
  op->op = GRPC_OP_SEND_INITIAL_METADATA;
  const std::span<grpc_metadata> metadata = initial_metadata_.ToCore();
  op->data.send_initial_metadata.count = metadata.size();
  op->data.send_initial_metadata.metadata = metadata.data();
  if (compress_replies_) {
    op->data.send_initial_metadata.maybe_compression_level = {1, GRPC_COMPRESS_LEVEL_HIGH};
  }
  return 1;
}

int ServerCallImpl::CloseBatch::Fill(grpc_op* ops) {
  ops[0].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
  ops[0].data.recv_close_on_server.cancelled = &call_.was_cancelled_;
  return 1;
}

// A client gives up at its deadline, which is a little before ours: we count from when the call
// came in, and timeouts are rounded up on the wire. That is a deadline, not a client that went
// away.
bool ServerCallImpl::DeadlineIsNear() const {
  if (deadline_nanos_ == kNeverNanos) return false;
  const int64_t timeout_nanos = deadline_nanos_ - accepted_nanos_;
  const int64_t slack_nanos = kDeadlineSlackNanos + timeout_nanos / 50;
  return shard_.clock().MonotonicNanos() >= deadline_nanos_ - slack_nanos;
}

void ServerCallImpl::NoticeClientGone() {
  scope_->Cancel(DeadlineIsNear() ? CancelCause::kDeadline : CancelCause::kClientGone);
}

void ServerCallImpl::CloseBatch::Notify(bool) {
  if (call_.was_cancelled_ != 0 && call_.handler_runs_) call_.NoticeClientGone();
  call_.OnBatchEnd();
}

int ServerCallImpl::ReadBatch::Fill(grpc_op* ops) {
  ops[0].op = GRPC_OP_RECV_MESSAGE;
  ops[0].data.recv_message.recv_message = &call_.incoming_;
  return 1;
}

void ServerCallImpl::ReadBatch::Notify(bool ok) {
  call_.read_end_.End(ok);
  call_.OnBatchEnd();
}

int ServerCallImpl::WriteBatch::Fill(grpc_op* ops) {
  int count = call_.FillInitialMetadata(ops);
  ops[count].op = GRPC_OP_SEND_MESSAGE;
  ops[count].flags = call_.write_flags_;
  ops[count].data.send_message.send_message = call_.outgoing_.get();
  return count + 1;
}

void ServerCallImpl::WriteBatch::Notify(bool ok) {
  call_.write_end_.End(ok);
  call_.OnBatchEnd();
}

int ServerCallImpl::FinishBatch::Fill(grpc_op* ops) {
  int count = call_.FillInitialMetadata(ops);
  if (call_.outgoing_ != nullptr) {
    ops[count].op = GRPC_OP_SEND_MESSAGE;
    ops[count++].data.send_message.send_message = call_.outgoing_.get();
  }
  const std::span<grpc_metadata> metadata = call_.trailing_metadata_.ToCore();
  grpc_op& status = ops[count++];
  status.op = GRPC_OP_SEND_STATUS_FROM_SERVER;
  status.data.send_status_from_server.trailing_metadata_count = metadata.size();
  status.data.send_status_from_server.trailing_metadata = metadata.data();
  status.data.send_status_from_server.status = call_.status_code_;
  status.data.send_status_from_server.status_details =
      GRPC_SLICE_LENGTH(call_.status_message_) == 0 ? nullptr : &call_.status_message_;
  if (!call_.close_watched_) {
    grpc_op& close = ops[count++];
    close.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    close.data.recv_close_on_server.cancelled = &call_.was_cancelled_;
  }
  return count;
}

void ServerCallImpl::FinishBatch::Started() { call_.outgoing_.reset(); }

void ServerCallImpl::FinishBatch::Notify(bool) { call_.OnBatchEnd(); }

void ServerCallImpl::Reset() {
  scope_.reset();
  if (connection_ != nullptr) connection_->CallEnded(shard_.index(), was_cancelled_ != 0);
  shard_.connections().Release(std::exchange(connection_, nullptr));
  initial_metadata_.clear();
  trailing_metadata_.clear();
  status_code_ = GRPC_STATUS_OK;
  grpc_slice_unref(std::exchange(status_message_, grpc_empty_slice()));
  outgoing_.reset();
  ByteBuffer(std::exchange(incoming_, nullptr)).reset();
  request_.reset();
  received_metadata_.clear();
  unregistered_path_.reset();
  grpc_call_unref(std::exchange(core_, nullptr));
  deadline_nanos_ = kNeverNanos;
  last_message_nanos_ = 0;
  bucket_full_nanos_ = 0;
  close_watched_ = initial_metadata_sent_ = reads_ended_ = compress_replies_ = false;
  read_until_drain_ = read_left_ = false;
  was_cancelled_ = 0;
  received_bytes_ = sent_bytes_ = 0;
  handler_started_nanos_ = 0;
}

// --- What the handler may ask ----------------------------------------------------------------

absl::string_view ServerCallImpl::requested_method() const {
  if (unregistered_path_ == nullptr) return method_->name();
  return absl::StripPrefix(*unregistered_path_, "/");
}

std::string ServerCallImpl::peer() const {
  char* const text = grpc_call_get_peer(core_);
  std::string peer(text);
  gpr_free(text);
  return peer;
}

std::vector<std::string> ServerCallImpl::peer_identities() const { return PeerIdentities(core_); }

absl::Time ServerCallImpl::deadline() const { return shard_.clock().ToTime(deadline_nanos_); }

Event& ServerCallImpl::drain_event() { return shard_.drain_event(); }

MetadataView ServerCallImpl::metadata() const {
  return {received_metadata_.data(), received_metadata_.size()};
}

void ServerCallImpl::AddInitialMetadata(absl::string_view key, absl::string_view value) {
  if (!initial_metadata_sent_) initial_metadata_.Add(key, value);
}

void ServerCallImpl::AddTrailingMetadata(absl::string_view key, absl::string_view value) {
  trailing_metadata_.Add(key, value);
}

}  // namespace weft::rpc::internal
