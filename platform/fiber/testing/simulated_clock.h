// SimulatedClock: time that stands still while fibers run and jumps when all of them wait, so that
// a test of an hour's timeout takes no time and always takes the same turns.
//
//   weft::SimulatedClock clock;
//   weft::Runtime runtime({.shards = 1, .clock = &clock, .poller_factory = clock.Pollers()});
//   runtime.Run([] { return weft::SleepFor(absl::Hours(1)); });   // returns at once, an hour later
//
// The clock jumps, to the earliest deadline of all its shards, exactly when
//   - every shard with a poller of this clock waits in it, and has not been woken since: so no
//   fiber
//     is ready, and no post or wake of another thread is unanswered;
//   - at least one of those shards has an armed timer;
//   - no Hold is alive.
// Without a timer it stands, and the shards wait for a wake.
//
// What it cannot see are threads that are no shards: while a job of a BlockingPool runs, all fibers
// may wait, and time jumps on. Hold the clock where that matters:
//
//   weft::SimulatedClock::Hold hold(clock);
#ifndef WEFT_PLATFORM_FIBER_TESTING_SIMULATED_CLOCK_H_
#define WEFT_PLATFORM_FIBER_TESTING_SIMULATED_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "platform/base/clock.h"
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

  // While one is alive the clock does not jump by itself.
  class Hold {
   public:
    explicit Hold(SimulatedClock& clock);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    SimulatedClock& clock_;
  };

 private:
  class SimulatedPoller;

  // Under mutex_.
  void JumpIfAllWait();
  void WakeAllPollers();

  std::atomic<int64_t> now_nanos_{1'000'000'000};
  std::atomic<uint64_t> jumps_{0};
  std::mutex mutex_;  // of all below, and of the pollers' states
  std::vector<SimulatedPoller*> pollers_;
  int holds_ = 0;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_SIMULATED_CLOCK_H_
