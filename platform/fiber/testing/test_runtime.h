// TestRuntime: a runtime for tests. One shard, a simulated clock, and a leak check at the end.
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
  // Fails the test when a fiber is left, and names it and what it waits for; timers and waiters
  // live on fibers, so none can be left without one. The runtime is then not destroyed, as it would
  // wait for that fiber.
  ~TestRuntime();

  // Runs `function` on a fiber of `shard` and blocks the thread until it returned.
  template <typename F>
  std::invoke_result_t<F> Run(F function, int shard = 0) {
    return runtime_->Run(std::move(function), shard);
  }

  Runtime& runtime() { return *runtime_; }
  SimulatedClock& clock() { return *clock_; }

 private:
  const uint64_t shuffle_seed_;
  std::unique_ptr<SimulatedClock> clock_;
  std::unique_ptr<Runtime> runtime_;
};

// Parks the calling fiber until every other fiber waits; a nanosecond goes by. Not a cancel point.
// Requires: on a fiber of a TestRuntime (or any runtime on a SimulatedClock without a Hold).
void WaitUntilOthersBlock();

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_TEST_RUNTIME_H_
