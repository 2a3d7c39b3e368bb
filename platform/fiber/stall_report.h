// What the watchdog of a runtime tells: a fiber, or the loop, that kept its shard to itself for
// longer than RuntimeOptions::stall_threshold. All other fibers of the shard, and its new calls,
// wait meanwhile.
//
// What is watched is one *run*: from the moment the shard resumes a fiber until that fiber parks,
// yields or ends; and for the loop what it does between two waits (posts, timers). Not watched is
// what the poller does within Poller::Wait.
#ifndef WEFT_PLATFORM_FIBER_STALL_REPORT_H_
#define WEFT_PLATFORM_FIBER_STALL_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weft {

// What the shard's thread did meanwhile, by its CPU time and its state in the kernel.
enum class StallCause {
  kComputes,   // it had a CPU for half of the time, or for as long as the threshold
  kBlocks,     // it slept in the kernel: a system call, a lock
  kGetsNoCpu,  // it could have run, but had no CPU: preempted, or throttled by its cgroup's limit
};

// "computes", "blocks its thread", "gets no CPU".
absl::string_view StallCauseName(StallCause cause);

// A stall that goes on, or did a moment ago.
struct StallReport {
  int shard = 0;
  // Whose run it is. 0 and empty: the loop, or a run that was over before it could be looked at.
  uint64_t fiber_id = 0;
  std::string fiber_name = {};  // what was spawned: a method's name for a call
  std::string trace_id = {};    // from RuntimeObserver::DescribeFiber; empty: none
  int64_t nanos = 0;            // how long it has taken so far
  StallCause cause = StallCause::kComputes;
  // Names of the functions it is in, innermost first, without the scheduler's own. Where there are
  // none, `no_stack` says why.
  std::vector<std::string> stack = {};
  std::string no_stack = {};
  // Stalls of this shard since its last report that were not reported, for there had been one
  // within RuntimeOptions::stall_report_interval.
  uint64_t suppressed = 0;
};

// For people: a line that says who stalls which shard and how, then a line for each function.
std::string ToString(const StallReport& report);

// A stall that is over. There is one for each stall, reported or not.
struct StallEnd {
  int shard = 0;
  uint64_t fiber_id = 0;
  int64_t nanos = 0;  // the whole run
  StallCause cause = StallCause::kComputes;
  bool reported = false;  // there was a StallReport of it
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_STALL_REPORT_H_
