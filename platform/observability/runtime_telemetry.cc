#include "platform/observability/runtime_telemetry.h"

#include <string>

#include "absl/strings/str_join.h"
#include "platform/base/clock.h"
#include "platform/fiber/blocking_calls.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/tracing/blocking_call_event.h"
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
  recent_stalls_.Add(report, Clock::Real().Now());
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
  recent_stalls_.End(end);
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

void RuntimeTelemetry::OnBlockingCall(const FiberLocals& locals,
                                      const BlockingCall& call) noexcept {
  blocking_calls_.Record(call);
  AddBlockingCallEvent(locals, call);
  if (call.repeated) return;
  const std::string stack = absl::StrJoin(call.stack, "\n");
  // On the fiber: the line has its shard and trace by itself.
  switch (call.kind) {
    case BlockingCallKind::kBlocks:
      kLog.Warning("a fiber blocks its thread", {{"call", call.fiber_name},
                                                 {"fiber", call.fiber_id},
                                                 {"function", call.function},
                                                 {"stack", stack}});
      break;
    case BlockingCallKind::kWaitsForLock:
      kLog.Warning("a fiber has blocked its thread for a lock", {{"call", call.fiber_name},
                                                                 {"fiber", call.fiber_id},
                                                                 {"function", call.function},
                                                                 {"seconds", Seconds(call.nanos)},
                                                                 {"stack", stack}});
      break;
    case BlockingCallKind::kParksWithLock:
      kLog.Warning("a fiber parks with a lock of its thread", {{"call", call.fiber_name},
                                                               {"fiber", call.fiber_id},
                                                               {"locks", call.locks},
                                                               {"stack", stack}});
      break;
  }
}

bool RuntimeTelemetry::DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept {
  return DescribeTrace(locals, text, size);
}

}  // namespace weft::observability
