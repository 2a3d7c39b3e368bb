#include "platform/observability/runtime_telemetry.h"

#include <string>

#include "absl/strings/str_join.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/tracing/fiber_context.h"
#include "platform/observability/tracing/stall_event.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("fiber");

double Seconds(int64_t nanos) { return 1e-9 * static_cast<double>(nanos); }

}  // namespace

// DescribeTrace() may first be called in a signal handler.
RuntimeTelemetry::RuntimeTelemetry() { static_cast<void>(CurrentTraceIds()); }

void RuntimeTelemetry::OnStall(const StallReport& report) noexcept {
  const std::string stack =
      report.stack.empty() ? report.no_stack : absl::StrJoin(report.stack, "\n");
  kLog.Warning("a shard is stalled", {{"shard", report.shard},
                                      {"trace_id", report.trace_id},
                                      {"call", report.fiber_name},
                                      {"fiber", report.fiber_id},
                                      {"cause", StallCauseName(report.cause)},
                                      {"seconds", Seconds(report.nanos)},
                                      {"stack", stack},
                                      {"suppressed", report.suppressed}});
}

void RuntimeTelemetry::OnStallEnd(const StallEnd& end) noexcept {
  stalls_.Record(end);
  if (!end.reported) return;
  kLog.Warning("a stall is over", {{"shard", end.shard},
                                   {"fiber", end.fiber_id},
                                   {"cause", StallCauseName(end.cause)},
                                   {"seconds", Seconds(end.nanos)}});
}

void RuntimeTelemetry::OnLongRun(const FiberLocals& locals, int64_t nanos) noexcept {
  AddStallEvent(locals, nanos);
}

void RuntimeTelemetry::OnDeadlock(const std::vector<FiberInfo>& ring) noexcept {
  deadlocks_.Record(ring[0].shard);
  deadlock_log_.Add(ring);
}

bool RuntimeTelemetry::DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept {
  return DescribeTrace(locals, text, size);
}

}  // namespace weft::observability
