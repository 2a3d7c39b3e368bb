#include "platform/rpc/internal/outgoing_call.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/error_details.h"
#include "platform/rpc/internal/channel_retries.h"
#include "platform/rpc/internal/message_compression.h"
#include "platform/rpc/internal/slices.h"
#include "platform/rpc/internal/status.h"
#include "platform/rpc/internal/timespec.h"

namespace weft::rpc::internal {
namespace {

absl::Time EffectiveDeadline(const MethodDescriptor& method, const CallOptions& options) {
  absl::Time deadline = options.deadline;
  const bool asked =
      options.timeout != absl::InfiniteDuration() || deadline != absl::InfiniteFuture();
  const absl::Duration timeout = asked ? options.timeout : method.options.default_timeout;
  if (timeout != absl::InfiniteDuration()) deadline = std::min(deadline, weft::Now() + timeout);
  if (const CancelScope* const scope = CancelScope::Current()) {
    deadline = std::min(deadline, scope->deadline());
  }
  return deadline;
}

}  // namespace

absl::Status OuterCall::Start() {
  if (CompletionQueuePoller::Current() == nullptr || !OnFiber()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "call of ", method_.name(),
        " from outside a fiber: make it on one of a runtime with ShardQueues (Runtime::Run)"));
  }
  deadline_ = EffectiveDeadline(method_, options_);
  const std::span<ClientInterceptor* const> interceptors = channel_.outer_interceptors();
  if (interceptors.empty()) return absl::OkStatus();
  metadata_ = options_.metadata;
  OutgoingCall outgoing = {method_, channel_.target(), *metadata_, deadline_};
  for (ClientInterceptor* const interceptor : interceptors) {
    if (auto tracker = interceptor->Start(outgoing)) trackers_.push_back(std::move(tracker));
  }
  deadline_ = outgoing.deadline;
  return absl::OkStatus();
}

absl::Status OuterCall::End(absl::Status status) {
  for (auto tracker = first_attempt_.rbegin(); tracker != first_attempt_.rend(); ++tracker) {
    (*tracker)->EndRetriedCall(status);
  }
  for (auto tracker = trackers_.rbegin(); tracker != trackers_.rend(); ++tracker) {
    (*tracker)->End({status, sent_bytes_, received_bytes_});
  }
  return status;
}

CoreCall::CoreCall(OuterCall& outer, const CallOptions& options, bool hedge)
    : outer_(outer),
      options_(options),
      poller_(CompletionQueuePoller::Current()),
      number_(++outer.attempts_),
      hedge_(hedge) {
  ++outer_.under_way_;
  grpc_metadata_array_init(&initial_metadata_);
  grpc_metadata_array_init(&trailing_metadata_);
}

CoreCall::~CoreCall() {
  ReleaseMetadata(core_metadata_);
  grpc_metadata_array_destroy(&initial_metadata_);
  grpc_metadata_array_destroy(&trailing_metadata_);
  grpc_slice_unref(message_);
  if (core_ != nullptr) grpc_call_unref(core_);
}

absl::Time CoreCall::Deadline() const {
  const absl::Duration timeout = outer_.channel().options().retry.attempt_timeout;
  if (timeout == absl::InfiniteDuration() || !outer_.repeatable()) return outer_.deadline();
  return std::min(outer_.deadline(), weft::Now() + timeout);
}

absl::Status CoreCall::Start() {
  Channel& channel = outer_.channel();
  if (!outer_.metadata().empty()) metadata_ = outer_.metadata();
  OutgoingCall outgoing = {outer_.method(), channel.target(), metadata_,
                           Deadline(),      number_,          hedge_};
  for (ClientInterceptor* const interceptor : channel.inner_interceptors()) {
    if (auto tracker = interceptor->Start(outgoing)) trackers_.push_back(std::move(tracker));
  }
  if (CancelScope* const scope = CancelScope::Current(); scope != nullptr && scope->cancelled()) {
    return scope->status();
  }
  if (absl::Status s = metadata_.Validate(); !s.ok()) return s;
  core_metadata_ = ToCore(metadata_);
  if (options_.compression != Compression::kNone) {
    core_metadata_.push_back(CompressionRequest(options_.compression));
  }
  if (number_ > 1) {
    const std::string previous = absl::StrCat(number_ - 1);
    grpc_metadata entry = {};
    entry.key = UnownedSlice(kPreviousAttemptsKey);
    entry.value = grpc_slice_from_copied_buffer(previous.data(), previous.size());
    core_metadata_.push_back(entry);
  }
  const Clock& clock = Runtime::Current()->clock();
  core_ = grpc_channel_create_call(channel.core(), nullptr, GRPC_PROPAGATE_DEFAULTS,
                                   poller_->core(), UnownedSlice(outer_.method().path), nullptr,
                                   ToTimespec(clock.ToMonotonicNanos(outgoing.deadline), clock),
                                   nullptr);
  return absl::OkStatus();
}

void CoreCall::FillSendInitialMetadata(grpc_op* op) {
  op->op = GRPC_OP_SEND_INITIAL_METADATA;
  if (options_.wait_for_ready) {
    op->flags =
        GRPC_INITIAL_METADATA_WAIT_FOR_READY | GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
  }
  op->data.send_initial_metadata.count = core_metadata_.size();
  op->data.send_initial_metadata.metadata = core_metadata_.data();
}

void CoreCall::FillReceiveInitialMetadata(grpc_op* op) {
  op->op = GRPC_OP_RECV_INITIAL_METADATA;
  op->data.recv_initial_metadata.recv_initial_metadata = &initial_metadata_;
}

void CoreCall::FillReceiveStatus(grpc_op* op) {
  op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
  op->data.recv_status_on_client.trailing_metadata = &trailing_metadata_;
  op->data.recv_status_on_client.status = &code_;
  op->data.recv_status_on_client.status_details = &message_;
}

absl::Status CoreCall::ReceivedStatus() const {
  if (code_ == GRPC_STATUS_OK) return absl::OkStatus();
  absl::Status status = FromCore(code_, View(message_));
  // Only what this side or the network says needs the place named; the server's words stay its own.
  if (code_ == GRPC_STATUS_UNAVAILABLE || code_ == GRPC_STATUS_DEADLINE_EXCEEDED) {
    status = WithPublicMessage(
        FromCore(code_, absl::StrCat(outer_.method().name(), " at '", outer_.channel().target(),
                                     "': ", View(message_))),
        absl::StrCat(outer_.method().name(), ": ", absl::StatusCodeToString(status.code())));
  }
  if (const auto details = trailing_metadata().Find(kDetailsKey)) {
    AddReceivedDetails(*details, &status);
  }
  return status;
}

// gRPC's transport sets a call's peer when it takes the call's headers, before it can send them
// (src/core/ext/transport/chttp2/transport/chttp2_transport.cc, perform_stream_op_locked). Until
// then grpc_call_get_peer() answers with the channel's target. A peer is an address with its
// scheme, so a target of that form cannot be told from one.
bool CoreCall::NeverSent() const {
  const std::string& target = outer_.channel().target();
  for (const absl::string_view scheme : {"ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:"}) {
    if (absl::StartsWith(target, scheme)) return false;
  }
  char* const peer = grpc_call_get_peer(core_);
  const bool never_sent = target == peer;
  gpr_free(peer);
  return never_sent;
}

void CoreCall::MessageReceived(grpc_byte_buffer& message) {
  received_bytes += grpc_byte_buffer_length(&message);
  if (options_.reply_was_compressed != nullptr) {
    *options_.reply_was_compressed = LastMessageWasCompressed(core_);
  }
}

absl::Status CoreCall::End(absl::Status status, bool will_retry) {
  --outer_.under_way_;
  outer_.succeeded_ = outer_.succeeded_ || status.ok();
  will_retry = will_retry || (!status.ok() && outer_.HasBetterAttempt());
  if (options_.initial_metadata != nullptr) {
    *options_.initial_metadata =
        MetadataView(initial_metadata_.metadata, initial_metadata_.count).Copy();
  }
  if (options_.trailing_metadata != nullptr) {
    *options_.trailing_metadata = trailing_metadata().Copy();
  }
  for (auto tracker = trackers_.rbegin(); tracker != trackers_.rend(); ++tracker) {
    (*tracker)->End({status, sent_bytes, received_bytes, will_retry});
  }
  if (will_retry && number_ == 1) outer_.first_attempt_ = std::move(trackers_);
  trackers_.clear();
  outer_.sent_bytes_ += sent_bytes;
  outer_.received_bytes_ += received_bytes;
  return status;
}

}  // namespace weft::rpc::internal
