// StallTracker: decides, from looks at one shard now and then, when a run is a stall, why, and
// whether it is reported. No threads, no clock: the watchdog does the looking.
//
// Time that the process as a whole did not get is not the run's fault: stopped by a signal or a
// debugger, throttled, the machine suspended. The watchdog then did not get it either, and woke
// later than it wanted. By so much as it was late and the shard's thread had no CPU, a run is taken
// to be shorter.
//
// Where others have the CPU and the watchdog does not suffer with the shard, the stall is one that
// gets no CPU. Such reports and those of code that computes or blocks do not use up each other's
// interval, and a run that turns out to be the second kind is reported as that too.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_STALL_TRACKER_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_STALL_TRACKER_H_

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "platform/fiber/stall_report.h"

namespace weft::internal {

// Of a thread, in the kernel's eyes.
enum class ThreadState { kRunnable, kAsleep };

struct ShardLook {
  int64_t now_nanos = 0;
  uint64_t run = 0;             // tells runs apart; 0: the shard waits in its poller
  int64_t run_nanos = 0;        // since the run began
  int64_t cpu_nanos = 0;        // that the shard's thread has ever used
  int64_t overslept_nanos = 0;  // how much later than wanted the look comes
};

class StallTracker {
 public:
  StallTracker(int64_t threshold_nanos, int64_t report_interval_nanos)
      : threshold_nanos_(threshold_nanos), report_interval_nanos_(report_interval_nanos) {}

  struct Verdict {
    bool ended = false;       // the stall that was there is over; comes before what else is said
    bool report = false;      // a stall is to be reported now
    uint64_t suppressed = 0;  // with `report`: stalls that ended unreported since the last one
    int64_t next_nanos = 0;   // in how long the next look is due; kNever: when the shard runs
  };
  static constexpr int64_t kNever = INT64_MAX;
  // A stall that was reported is reported again after so long, or the interval if that is longer.
  static constexpr int64_t kRepeatNanos = 10'000'000'000;

  // `state` is asked where the CPU time alone does not tell the cause.
  Verdict Look(const ShardLook& look, absl::FunctionRef<ThreadState()> state);

  // Of the stall that goes on, or that ended with the last look.
  StallCause cause() const { return cause_; }
  bool reported() const { return own_.reported || starved_.reported; }

 private:
  // Reports of one kind.
  struct Reports {
    bool reported = false;  // in this run
    std::optional<int64_t> last_nanos;
  };

  bool EndStall();
  void TakeTimes(const ShardLook& look);
  // Since the first look at the run, without what is excused.
  int64_t WindowNanos(const ShardLook& look) const;
  StallCause Cause(const ShardLook& look, absl::FunctionRef<ThreadState()> state) const;
  bool MayReport(const Reports& reports, int64_t now_nanos) const;

  const int64_t threshold_nanos_;
  const int64_t report_interval_nanos_;

  uint64_t run_ = 0;
  int64_t excused_nanos_ = 0;
  // The first look at the run: its CPU time is counted from there.
  int64_t first_nanos_ = 0;
  int64_t first_cpu_nanos_ = 0;
  int64_t first_excused_nanos_ = 0;
  // The look before, at whatever run.
  int64_t last_nanos_ = 0;
  int64_t last_cpu_nanos_ = 0;

  bool stalled_ = false;
  StallCause cause_ = StallCause::kComputes;
  Reports own_;      // it computes or blocks
  Reports starved_;  // it gets no CPU
  uint64_t suppressed_ = 0;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_STALL_TRACKER_H_
