#include "platform/rpc/internal/outgoing_call.h"

#include <grpc/slice.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/error_details.h"
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

CoreCall::CoreCall(Channel& channel, const MethodDescriptor& method, const CallOptions& options)
    : channel_(channel),
      method_(method),
      options_(options),
      poller_(CompletionQueuePoller::Current()) {
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

absl::Status CoreCall::Start() {
  if (poller_ == nullptr || !OnFiber()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "call of ", method_.name(),
        " from outside a fiber: make it on one of a runtime with ShardQueues (Runtime::Run)"));
  }
  if (!options_.metadata.empty()) metadata_ = options_.metadata;
  OutgoingCall outgoing = {method_, channel_.target(), metadata_,
                           EffectiveDeadline(method_, options_)};
  for (ClientInterceptor* const interceptor : channel_.options().interceptors) {
    if (auto tracker = interceptor->Start(outgoing)) trackers_.push_back(std::move(tracker));
  }
  if (CancelScope* const scope = CancelScope::Current(); scope != nullptr && scope->cancelled()) {
    return End(scope->status());
  }
  if (absl::Status s = metadata_.Validate(); !s.ok()) return End(std::move(s));
  core_metadata_ = ToCore(metadata_);
  if (options_.compression != Compression::kNone) {
    core_metadata_.push_back(CompressionRequest(options_.compression));
  }
  core_ = grpc_channel_create_call(
      channel_.core(), nullptr, GRPC_PROPAGATE_DEFAULTS, poller_->core(),
      UnownedSlice(method_.path), nullptr,
      ToTimespec(Runtime::Current()->clock().ToMonotonicNanos(outgoing.deadline)), nullptr);
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
        FromCore(code_,
                 absl::StrCat(method_.name(), " at '", channel_.target(), "': ", View(message_))),
        absl::StrCat(method_.name(), ": ", absl::StatusCodeToString(status.code())));
  }
  const MetadataView trailing(trailing_metadata_.metadata, trailing_metadata_.count);
  if (const auto details = trailing.Find(kDetailsKey)) AddReceivedDetails(*details, &status);
  return status;
}

void CoreCall::MessageReceived(grpc_byte_buffer& message) {
  received_bytes += grpc_byte_buffer_length(&message);
  if (options_.reply_was_compressed != nullptr) {
    *options_.reply_was_compressed = LastMessageWasCompressed(core_);
  }
}

absl::Status CoreCall::End(absl::Status status) {
  if (options_.initial_metadata != nullptr) {
    *options_.initial_metadata =
        MetadataView(initial_metadata_.metadata, initial_metadata_.count).Copy();
  }
  if (options_.trailing_metadata != nullptr) {
    *options_.trailing_metadata =
        MetadataView(trailing_metadata_.metadata, trailing_metadata_.count).Copy();
  }
  for (auto tracker = trackers_.rbegin(); tracker != trackers_.rend(); ++tracker) {
    (*tracker)->End({status, sent_bytes, received_bytes});
  }
  trackers_.clear();
  return status;
}

}  // namespace weft::rpc::internal
