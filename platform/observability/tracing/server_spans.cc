#include "platform/observability/tracing/server_spans.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "opentelemetry/trace/span_context.h"
#include "opentelemetry/trace/span_startoptions.h"
#include "platform/base/clock.h"
#include "platform/base/utf8.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/tracing/baggage.h"
#include "platform/observability/tracing/rpc_attributes.h"
#include "platform/observability/tracing/stall_event.h"

namespace weft::observability {
namespace {

namespace context = opentelemetry::context;
namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

void SetCancellation(trace::Span& span, const CancelScope& scope, const absl::Status& status) {
  const CancelCause cause = scope.cause();
  if (cause == CancelCause::kNone) return;
  span.SetAttribute("weft.cancel.cause", ToOtel(CancelCauseLabel(cause)));
  const absl::Status reason = scope.status();
  // A wait that was cancelled deeper inside tells the same and more: "… [Get > prices] (while …)".
  const bool is_deeper =
      absl::StartsWith(status.message(), absl::StripSuffix(reason.message(), "]"));
  span.SetAttribute("weft.cancel.chain", ValidUtf8((is_deeper ? status : reason).message()));
}

// For its fiber's turn, until now. A part of the span: the caller waits for it.
absl::Duration Waited(const CallContext& call) {
  const int64_t now_nanos = Runtime::Current()->clock().MonotonicNanos();
  return absl::Nanoseconds(std::max<int64_t>(now_nanos - call.accepted_nanos(), 0));
}

}  // namespace

absl::Status TracingServerInterceptor::Intercept(CallContext& call, Next next) {
  const RemoteParent parent = ExtractParent(call.metadata());
  const TraceIds ids = parent.ids.valid() ? parent.ids : BeginTrace(threshold_);
  if (ids.sampled() && tracer_ != nullptr) return Record(call, next, ids, parent);
  ScopedTrace current(ids, parent.tracestate);
  if (!parent.ids.valid()) SetTraceBeganHere();
  if (!parent.baggage.empty()) current.SetContext(WithBaggage(CurrentContext(), parent.baggage));
  return next();
}

absl::Status TracingServerInterceptor::Record(CallContext& call, Next next, const TraceIds& ids,
                                              const RemoteParent& parent) {
  const auto [service, method] = SplitMethod(call.requested_method());
  const absl::Duration waited = Waited(call);
  const absl::Time accepted = Clock::Real().Now() - waited;
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kServer;
  SetStart(accepted, Clock::Real().MonotonicNanos() - absl::ToInt64Nanoseconds(waited), options);
  if (!parent.ids.valid()) {
    options.parent = context::Context(trace::kIsRootSpanKey, true);
  } else {
    options.parent = ToSpanContext(ids, /*is_remote=*/true);
  }
  nostd::shared_ptr<trace::Span> span;
  {
    ScopedPendingSpan pending({.trace_id = &ids.trace_id});
    span = tracer_->StartSpan(
        call.method().name(),
        {{"rpc.system", "grpc"}, {"rpc.service", ToOtel(service)}, {"rpc.method", ToOtel(method)}},
        options);
  }
  SetAddress(*span, "network.peer.address", "network.peer.port", ParseAddress(call.peer()));

  absl::Status status;
  {
    context::Context with_span(trace::kSpanKey, span);
    if (!parent.baggage.empty()) with_span = WithBaggage(with_span, parent.baggage);
    ScopedTrace current(ToTraceIds(span->GetContext()), parent.tracestate, std::move(with_span));
    status = next();
  }
  if (call.handler_started_nanos() != 0) {
    AddEvent(*span, kHandlerStarts,
             accepted + absl::Nanoseconds(call.handler_started_nanos() - call.accepted_nanos()));
  }
  // Else told as the fiber parks, when this span has ended.
  if (const int64_t nanos = Runtime::CurrentStallNanos()) AddStallEvent(*span, nanos);
  SetStatus(*span, status, IsServerFault(status.code()));
  SetCancellation(*span, call.scope(), status);
  span->End();
  return status;
}

}  // namespace weft::observability
