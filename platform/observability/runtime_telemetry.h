// RuntimeTelemetry: what a runtime tells, as metrics, log lines and events of spans. The process'
// RuntimeObserver.
//
// A stall is told five times over: at once, as a warning with the function it is in; when it is
// over, as a warning with its whole length; in weft_stalls_total and weft_stall_seconds; as the
// event "weft.stall" of the call's span, if that is recorded; and to who asks for the recent ones.
//
//   {"ts":"…","level":"warning","msg":"a shard is stalled","module":"fiber","shard":0,
//    "trace_id":"4bf9…","call":"shop.v1.Shop/Get","fiber":17,"cause":"blocks its thread",
//    "seconds":0.0251,"stack":"nanosleep\nshop::Legacy::Fetch()\n…","suppressed":0}
//
// Lines of one shard come no faster than RuntimeOptions::stall_report_interval allows.
//
// A deadlock, a ring of fibers that wait for each other's locks, is told once: as errors with each
// fiber's stack (deadlock_log.h), and in weft_deadlocks_total.
//
// A call that blocks its fiber's thread, where they are looked for
// (platform/fiber/blocking_calls.h), is counted in weft_blocking_calls_found_total, becomes the
// event "weft.blocking_call" of the call's span, and is a warning, once for each stack.
//
//   {"ts":"…","level":"warning","msg":"a fiber blocks its thread","module":"fiber","shard":0,
//    "trace_id":"4bf9…","call":"shop.v1.Shop/Get","fiber":17,"function":"nanosleep",
//    "stack":"nanosleep\nshop::Legacy::Fetch()\n…"}
#ifndef WEFT_PLATFORM_OBSERVABILITY_RUNTIME_TELEMETRY_H_
#define WEFT_PLATFORM_OBSERVABILITY_RUNTIME_TELEMETRY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/fiber/observer.h"
#include "platform/observability/deadlock_log.h"
#include "platform/observability/metrics/blocking_call_metrics.h"
#include "platform/observability/metrics/deadlock_metrics.h"
#include "platform/observability/metrics/runtime_metrics.h"
#include "platform/observability/metrics/stall_metrics.h"
#include "platform/observability/recent_stalls.h"

namespace weft::observability {

class RuntimeTelemetry final : public RuntimeObserver {
 public:
  RuntimeTelemetry();

  void OnLoop(int shard, const LoopSample& sample) noexcept override {
    loop_lag_.OnLoop(shard, sample);
  }
  void OnStall(const StallReport& report) noexcept override;
  void OnStallEnd(const StallEnd& end) noexcept override;
  void OnLongRun(const FiberLocals& locals, int64_t nanos) noexcept override;
  void OnDeadlock(const std::vector<FiberInfo>& ring) noexcept override;
  void OnBlockingCall(const FiberLocals& locals, const BlockingCall& call) noexcept override;
  // The trace id.
  bool DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept override;

  LoopLagMetrics& loop_lag() { return loop_lag_; }
  StallMetrics& stalls() { return stalls_; }
  const RecentStalls& recent_stalls() const { return recent_stalls_; }
  DeadlockMetrics& deadlocks() { return deadlocks_; }
  BlockingCallMetrics& blocking_calls() { return blocking_calls_; }

 private:
  LoopLagMetrics loop_lag_;
  StallMetrics stalls_;
  RecentStalls recent_stalls_;
  DeadlockMetrics deadlocks_;
  DeadlockLog deadlock_log_;
  BlockingCallMetrics blocking_calls_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_RUNTIME_TELEMETRY_H_
