#include "platform/observability/tracing/server_spans.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "opentelemetry/trace/span_context.h"
#include "opentelemetry/trace/span_startoptions.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/tracing/remote_parent.h"
#include "platform/observability/tracing/rpc_attributes.h"
#include "platform/observability/tracing/stall_event.h"

namespace weft::observability {
namespace {

namespace context = opentelemetry::context;
namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

// Codes that tell of a fault of the server; the others of the request (semantic conventions for
// gRPC, "gRPC Status").
bool IsServerFault(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

void SetCancellation(trace::Span& span, const CancelScope& scope, const absl::Status& status) {
  const CancelCause cause = scope.cause();
  if (cause == CancelCause::kNone) return;
  span.SetAttribute("weft.cancel.cause", ToOtel(CancelCauseLabel(cause)));
  const absl::Status reason = scope.status();
  // A wait that was cancelled deeper inside tells the same and more: "… [Get > prices] (while …)".
  const bool is_deeper =
      absl::StartsWith(status.message(), absl::StripSuffix(reason.message(), "]"));
  span.SetAttribute("weft.cancel.chain", ToOtel((is_deeper ? status : reason).message()));
}

}  // namespace

absl::Status TracingServerInterceptor::Intercept(CallContext& call, Next next) {
  RemoteParent parent = ExtractParent(call.metadata());
  const bool is_root = !parent.ids.valid();
  const TraceIds ids = is_root ? BeginTrace(threshold_) : parent.ids;
  if (ids.sampled() && tracer_ != nullptr) {
    return Record(call, next, ids, std::move(parent.tracestate), is_root);
  }
  ScopedTrace current(ids, std::move(parent.tracestate));
  return next();
}

absl::Status TracingServerInterceptor::Record(CallContext& call, Next next, const TraceIds& ids,
                                              Tracestate tracestate, bool is_root) {
  const auto [service, method] = SplitMethod(call.requested_method());
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kServer;
  if (is_root) {
    options.parent = context::Context(trace::kIsRootSpanKey, true);
  } else {
    options.parent = ToSpanContext(ids, /*is_remote=*/true);
  }
  nostd::shared_ptr<trace::Span> span;
  {
    ScopedRootId root_id(ids.trace_id);
    span = tracer_->StartSpan(
        call.method().name(),
        {{"rpc.system", "grpc"}, {"rpc.service", ToOtel(service)}, {"rpc.method", ToOtel(method)}},
        options);
  }
  SetAddress(*span, "network.peer.address", "network.peer.port", ParseAddress(call.peer()));

  absl::Status status;
  {
    ScopedTrace current(ToTraceIds(span->GetContext()), std::move(tracestate),
                        context::Context(trace::kSpanKey, span));
    status = next();
  }
  // Else told as the fiber parks, when this span has ended.
  if (const int64_t nanos = Runtime::CurrentStallNanos()) AddStallEvent(*span, nanos);
  SetStatus(*span, status, IsServerFault(status.code()));
  SetCancellation(*span, call.scope(), status);
  span->End();
  return status;
}

}  // namespace weft::observability
