#include "platform/observability/tracing/late_spans.h"

#include <chrono>
#include <string>

#include "opentelemetry/trace/span_startoptions.h"
#include "platform/base/cell_rate.h"
#include "platform/observability/tracing/address.h"
#include "platform/observability/tracing/database_span.h"
#include "platform/observability/tracing/rpc_attributes.h"

namespace weft::observability {
namespace {

namespace common = opentelemetry::common;
namespace context = opentelemetry::context;
namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr CellRate kRate = {kSecondNanos / kMaxLateCallsPerSecond, kSecondNanos};

// When a span began and ended, in both of OpenTelemetry's clocks.
struct Times {
  absl::Time start;
  int64_t start_nanos = 0;
  int64_t duration_nanos = 0;
};

void End(trace::Span& span, const Times& times) {
  trace::EndSpanOptions options;
  options.end_steady_time =
      common::SteadyTimestamp(std::chrono::nanoseconds(times.start_nanos + times.duration_nanos));
  span.End(options);
}

nostd::shared_ptr<trace::Span> Start(trace::Tracer& tracer, absl::string_view name,
                                     const trace::StartSpanOptions& options) {
  const auto [service, method] = SplitMethod(name);
  return tracer.StartSpan(ToOtel(name),
                          {{"rpc.system", "grpc"},
                           {"rpc.service", ToOtel(service)},
                           {"rpc.method", ToOtel(method)},
                           {"weft.late", true}},
                          options);
}

void AddChild(trace::Tracer& tracer, const trace::SpanContext& parent, const ChildCall& child,
              const Times& call) {
  const int64_t left_nanos = call.duration_nanos - child.start_nanos;
  const Times times = {
      .start = call.start + absl::Nanoseconds(child.start_nanos),
      .start_nanos = call.start_nanos + child.start_nanos,
      .duration_nanos = child.duration_nanos < 0 ? left_nanos : child.duration_nanos};
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kClient;
  options.parent = parent;
  SetStart(times.start, times.start_nanos, options);
  if (!child.system.empty()) {
    const auto span = StartDatabaseSpan(tracer, child.system, child.method, child.target, options);
    span->SetAttribute("weft.late", true);
    if (child.waited_nanos > 0) {
      AddEvent(*span, kConnectionAcquired, times.start + absl::Nanoseconds(child.waited_nanos));
    }
    SetDatabaseStatus(*span, absl::Status(child.code, ""));
    return End(*span, times);
  }
  const auto span = Start(tracer, child.method, options);
  SetAddress(*span, "server.address", "server.port", ParseAddress(child.target));
  SetAttempt(*span, child.attempt, child.hedge);
  SetStatus(*span, absl::Status(child.code, ""), child.code != absl::StatusCode::kOk);
  End(*span, times);
}

}  // namespace

bool LateSpans::IsWanted(const CallRecord& record) const {
  return IsServerFault(record.code) || record.duration_nanos >= slow_nanos_;
}

void LateSpans::Add(const CallRecord& record) {
  const TraceIds ids = CurrentTraceIds();
  if (tracer_ == nullptr || !ids.valid() || ids.sampled()) return;
  if (!IsWanted(record)) return;
  const int64_t now_nanos = clock_.MonotonicNanos();
  if (!kRate.TryTake(full_at_nanos_, now_nanos)) return;

  const Times times = {.start = record.accepted,
                       .start_nanos = now_nanos - record.duration_nanos,
                       .duration_nanos = record.duration_nanos};
  const bool is_root = TraceBeganHere();
  trace::StartSpanOptions options;
  options.kind = trace::SpanKind::kServer;
  if (is_root) {
    options.parent = context::Context(trace::kIsRootSpanKey, true);
  } else {
    options.parent = ToSpanContext(ids, /*is_remote=*/true);
  }
  SetStart(times.start, times.start_nanos, options);
  nostd::shared_ptr<trace::Span> span;
  {
    // Those it called, and the log, know a trace that began here by these ids.
    ScopedPendingSpan pending(
        {.trace_id = &ids.trace_id, .span_id = is_root ? &ids.span_id : nullptr, .record = true});
    span = Start(*tracer_, record.method, options);
  }
  SetAddress(*span, "network.peer.address", "network.peer.port", ParseAddress(record.peer));
  if (record.handler_nanos >= 0) {
    AddEvent(*span, kHandlerStarts, record.accepted + absl::Nanoseconds(record.handler_nanos));
  }
  for (const ChildCall& child : record.children) {
    AddChild(*tracer_, span->GetContext(), child, times);
  }
  if (!record.cancelled.empty()) span->SetAttribute("weft.cancel.cause", record.cancelled);
  SetStatus(*span, absl::Status(record.code, record.message), IsServerFault(record.code));
  End(*span, times);
}

}  // namespace weft::observability
