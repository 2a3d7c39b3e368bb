// SimulatedClock: time that stands still while fibers run and jumps when all of them wait, so that
// a test of an hour's timeout takes no time and always takes the same turns.
//
//   weft::SimulatedClock clock;
//   weft::Runtime runtime({.shards = 1, .clock = &clock, .poller_factory = clock.Pollers()});
//   runtime.Run([] { return weft::SleepFor(absl::Hours(1)); });   // returns at once, an hour later
//
// The shards of the clock are *quiet* when each of them waits in its poller and has not been woken
// since: no fiber is ready, and no post or wake of another thread is unanswered. Then exactly one
// of these happens:
//   1. fibers in WaitAllBlocked() wake up;
//   2. while a Hold is alive, or a fiber waits for a job of a BlockingPool, nothing: time stands,
//      since whoever works outside the shards has not had its say;
//   3. if a timer is armed, the clock jumps to the earliest deadline of all shards;
//   4. if somebody waits for a fiber to finish (Awaited), it waits in vain: OnStuck's function is
//      called;
//   5. else nothing, until a post comes.
//
// What the clock cannot see is a plain thread that will post to a runtime, or wake a fiber, later
// on. It takes a Hold before the fibers wait for it, and keeps it until it has done so.
#ifndef WEFT_PLATFORM_FIBER_TESTING_SIMULATED_CLOCK_H_
#define WEFT_PLATFORM_FIBER_TESTING_SIMULATED_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/internal/waiter.h"
#include "platform/fiber/poller.h"

namespace weft {

// Thread-safe. Outlives the runtimes that use it.
class SimulatedClock final : public Clock {
 public:
  // Starts on 2001-09-09 01:46:40 UTC (a second of a billion), one second after its epoch.
  SimulatedClock() = default;
  ~SimulatedClock() override;  // Requires: its pollers are gone.

  int64_t MonotonicNanos() const override { return now_nanos_.load(std::memory_order_acquire); }
  absl::Time Epoch() const override { return absl::FromUnixSeconds(999'999'999); }

  // The pollers of one runtime; they have no events but timers and wakes.
  PollerFactory Pollers();

  // Moves the time by hand; timers that become due fire. From any thread; on a fiber it stands for
  // a computation that took `duration`. Requires: not negative.
  void Advance(absl::Duration duration);

  // How often the clock has jumped by itself.
  uint64_t jumps() const { return jumps_.load(std::memory_order_relaxed); }

  // Work outside the shards that this clock is to wait for. Any thread may make and end it.
  class Hold {
   public:
    explicit Hold(SimulatedClock& clock) : clock_(clock) { clock_.BeginHold(); }
    ~Hold() { clock_.EndHold(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    SimulatedClock& clock_;
  };

  // Alive while somebody waits for the fiber that made it: what TestRuntime::Run() puts round its
  // function. Made and ended on a fiber.
  class Awaited {
   public:
    explicit Awaited(SimulatedClock& clock) : clock_(clock) { ++clock_.awaited_; }
    ~Awaited() { --clock_.awaited_; }
    Awaited(const Awaited&) = delete;
    Awaited& operator=(const Awaited&) = delete;

   private:
    SimulatedClock& clock_;
  };

  // `report` is called once, when an awaited fiber waits in vain; on a shard's loop: it must not
  // block. Requires: set before the first fiber runs.
  void OnStuck(std::function<void()> report) { report_stuck_ = std::move(report); }

 private:
  class SimulatedPoller;
  friend void WaitAllBlocked();

  void BeginHold();
  void EndHold();
  // Under mutex_.
  bool AllWait() const;
  bool Jump();
  void WakeAllPollers();

  std::atomic<int64_t> now_nanos_{1'000'000'000};
  std::atomic<uint64_t> jumps_{0};
  std::atomic<int> awaited_{0};
  std::function<void()> report_stuck_;
  std::mutex mutex_;  // of all below, and of the pollers' states
  std::vector<SimulatedPoller*> pollers_;
  std::vector<internal::Waiter*> until_quiet_;  // in the order of arrival
  int holds_ = 0;
  bool stuck_reported_ = false;
};

// Parks the calling fiber until all other fibers of its clock's runtimes wait, and nothing is left
// that could run but timers, plain threads and jobs of a BlockingPool. No time passes. For a test
// that must act when the others have gone as far as they can. Fibers that are in this call at once
// count as waiting and wake up together, in the order in which they called. Not a cancel point.
// After Trio's wait_all_tasks_blocked. Requires: on a fiber of a runtime with a SimulatedClock.
void WaitAllBlocked();

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_SIMULATED_CLOCK_H_
