// What a runtime tells of itself. Counters are kept by each shard for itself (one writer, relaxed
// atomics, no lock) and read from any thread; distributions go through the observer's hooks.
// Nothing here knows Prometheus or OpenTelemetry: observability plugs in from above.
#ifndef WEFT_PLATFORM_FIBER_OBSERVER_H_
#define WEFT_PLATFORM_FIBER_OBSERVER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/fiber/cancel_cause.h"
#include "platform/fiber/stack_size.h"
#include "platform/fiber/stall_report.h"

namespace weft {

struct BlockingCall;
class FiberLocals;
struct FiberInfo;

// One turn of a shard's loop: wait, then run every fiber that became ready.
struct LoopSample {
  int64_t wait_nanos = 0;  // spent in Poller::Wait
  int64_t lag_nanos = 0;   // from the return of Wait to the next one: what an event that became
                           // ready just after the return had to wait
  size_t events = 0;       // handled by Wait
};

// Hooks run on the shard's thread, but for OnStall and OnStallEnd: they must be short, must not
// park, block or throw. An observer outlives every runtime it is given to.
class RuntimeObserver {
 public:
  virtual ~RuntimeObserver() = default;
  // Between fibers.
  virtual void OnLoop(int /*shard*/, const LoopSample& /*sample*/) noexcept {}

  // Of a stall (stall_report.h) while it goes on, at most one a shard in each
  // RuntimeOptions::stall_report_interval; and of every one when it is over, within the stall
  // threshold after its end. On the watchdog's thread, which may be blocked for a while: other
  // stalls are then noticed later.
  virtual void OnStall(const StallReport& /*report*/) noexcept {}
  virtual void OnStallEnd(const StallEnd& /*end*/) noexcept {}

  // On a fiber that parks, yields or ends after a run of `nanos`, longer than the stall threshold;
  // also where the watchdog saw nothing of it.
  virtual void OnLongRun(const FiberLocals& /*locals*/, int64_t /*nanos*/) noexcept {}

  // For looks inside: writes what the layers above know a fiber by, its trace id, as text that ends
  // with a zero byte, at most `size` bytes of it, and returns true; false when there is none. Also
  // called from a signal handler in the middle of that fiber's code: no allocation, no lock.
  virtual bool DescribeFiber(const FiberLocals& /*locals*/, char* /*text*/,
                             size_t /*size*/) noexcept {
    return false;
  }

  // A fiber blocks its thread, or parks with a lock of threads (blocking_calls.h). On that fiber,
  // whose own such calls are not told meanwhile; of a wait for a lock when that has been released.
  // Must not park. The default writes ToString(call) to stderr, once for each stack.
  virtual void OnBlockingCall(const FiberLocals& locals, const BlockingCall& call) noexcept;

  // Fibers of one shard wait for locks in a ring: each holds what the one before it waits for. None
  // goes on unless a cancellation or a deadline ends one of the waits. Told once for each ring, as
  // soon as it is closed; the infos have stacks. The default writes FormatDeadlock() to stderr.
  virtual void OnDeadlock(const std::vector<FiberInfo>& ring) noexcept;
};

// A reading of a shard's stacks of one size.
struct StackStats {
  size_t stack_bytes = 0;  // what each one has
  size_t in_use = 0;       // by fibers: running, ready, parked and idle ones
  // The deepest use of one that was seen, in whole pages, since the runtime began. Stacks are
  // looked at on the shard, between fibers, ten times a second at most: of each size the one that
  // was used last, and eight others in turn. A stack keeps the pages it has touched while its fiber
  // lives, so only those escape that are given back, after a burst, before their turn. A look costs
  // 1 µs and no switch anything. Pages that were swapped out may not be counted.
  size_t high_water_bytes = 0;
};

// A reading of one shard's counters. Totals only grow.
struct ShardStats {
  int shard = 0;
  int64_t thread_id = 0;  // as the kernel counts: a folder of /proc/self/task
  uint64_t fibers_spawned_total = 0;
  uint64_t fibers_finished_total = 0;
  uint64_t loop_iterations_total = 0;
  uint64_t poll_events_total = 0;
  int64_t busy_nanos_total = 0;   // time outside Poller::Wait
  int64_t longest_run_nanos = 0;  // longest run of one fiber without a park, or of the loop between
                                  // two waits, within the last one to two minutes
  size_t running = 0;             // 0 or 1
  size_t ready = 0;               // run-queue length
  size_t parked = 0;
  size_t idle = 0;    // pooled: a stack that waits for a task
  size_t timers = 0;  // armed
  size_t stacks = 0;  // in use by fibers: running, ready, parked and idle ones
  std::array<StackStats, kStackSizes> stacks_by_size = {};  // by StackSize
  // By CancelCause: scopes in which a cancellation began, not those inside. A deadline counts when
  // it has ended a park.
  std::array<uint64_t, kCancelCauses> scopes_cancelled_total = {};
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_OBSERVER_H_
