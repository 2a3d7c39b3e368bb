// TestRuntime: a runtime for tests. One shard, a simulated clock, a report when the test is stuck,
// and a leak check at the end.
//
//   TEST(Inventory, GivesUpAfterItsTimeout) {
//     weft::TestRuntime runtime;
//     runtime.Run([&] {
//       absl::Time start = weft::Now();
//       EXPECT_FALSE(inventory.Fetch().ok());
//       EXPECT_EQ(weft::Now() - start, absl::Seconds(5));   // exactly
//     });
//   }
//
// One shard and a clock that stands still while fibers run: the same test takes the same turns each
// time, up to what plain threads do. To try other orders, shuffle (seeds.h). A test that fails
// prints its seed and how to run that order again; every TestRuntime of that run then takes that
// seed.
//
// Stuck: while a Run() waits, no fiber can run, no timer is armed, and nothing outside the shards
// is known to be under way (simulated_clock.h), the test would hang for ever. Then the process ends
// at once, after a list of all fibers and what they wait for. A plain thread that will post to the
// runtime or wake its fibers takes a SimulatedClock::Hold for that time, or this comes too early.
#ifndef WEFT_PLATFORM_FIBER_TESTING_TEST_RUNTIME_H_
#define WEFT_PLATFORM_FIBER_TESTING_TEST_RUNTIME_H_

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "platform/fiber/runtime.h"
#include "platform/fiber/testing/seeds.h"
#include "platform/fiber/testing/simulated_clock.h"

namespace weft {

class TestRuntime {
 public:
  // `options` as for a Runtime; clock and poller_factory are the test's own, and one shard is what
  // 0 means.
  explicit TestRuntime(RuntimeOptions options = {});
  // Fails the test when something is left (leak_check.h): fibers, each with its name and what it
  // waits for, timers or stacks. With a fiber left the runtime is not destroyed, as it would wait
  // for that fiber.
  ~TestRuntime();
  TestRuntime(const TestRuntime&) = delete;
  TestRuntime& operator=(const TestRuntime&) = delete;

  // Runs `function` on a fiber of `shard` and blocks the thread until it returned.
  template <typename F>
  std::invoke_result_t<F> Run(F function, int shard = 0) {
    return runtime_->Run(
        [&]() -> std::invoke_result_t<F> {
          SimulatedClock::Awaited awaited(*clock_);
          return function();
        },
        shard);
  }

  Runtime& runtime() { return *runtime_; }
  SimulatedClock& clock() { return *clock_; }

 private:
  std::unique_ptr<SimulatedClock> clock_;
  std::unique_ptr<Runtime> runtime_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_TEST_RUNTIME_H_
