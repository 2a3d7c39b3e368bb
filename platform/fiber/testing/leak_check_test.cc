#include "platform/fiber/testing/leak_check.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

// A fiber that nobody joins. Only by the layer's internals can there be one.
class Forgotten final : public internal::FiberBody {
 public:
  explicit Forgotten(std::function<void()> function) : function_(std::move(function)) {}
  void Run() override { function_(); }
  void Finished() override {}

 private:
  const std::function<void()> function_;
};

// Leaves a fiber in `function` behind at the end of a TestRuntime, while time stands still; then
// ends it by cancelling it.
void Leave(std::function<void()> function) {
  Forgotten body(std::move(function));
  internal::RootScope scope(kNeverNanos);
  Runtime* runtime = nullptr;
  SimulatedClock* clock = nullptr;
  std::optional<SimulatedClock::Hold> hold;
  {
    TestRuntime test;
    runtime = &test.runtime();
    clock = &test.clock();
    hold.emplace(*clock);
    test.Run([&] {
      EXPECT_TRUE(internal::StartFiber(body, {.name = "forgotten", .scope = &scope}));
      WaitAllBlocked();
    });
  }
  runtime->Post(0, [&] { scope.Cancel(); });
  delete runtime;  // The check has let go of it, and of its clock.
  hold.reset();
  delete clock;
}

TEST(LeakCheck, AFiberThatIsLeftFailsTheTestAndIsNamed) {
  EXPECT_NONFATAL_FAILURE(Leave([] {
                            Channel<int> never(1);
                            (void)never.Receive();
                          }),
                          "'forgotten' on shard 0, parked on channel receive");
}

TEST(LeakCheck, SoDoesAnArmedTimer) {
  EXPECT_NONFATAL_FAILURE(Leave([] { weft::SleepFor(absl::Hours(1)).IgnoreError(); }),
                          "'forgotten' on shard 0, parked on sleep");
}

TEST(LeakCheck, SoDoesAWaiterInALockOrAJoin) {
  EXPECT_NONFATAL_FAILURE(Leave([] {
                            Mutex mutex;
                            TaskGroup group;
                            group.Spawn([&] {
                              std::lock_guard<Mutex> hold(mutex);
                              return weft::SleepFor(absl::Hours(1));
                            });
                            Yield();
                            std::lock_guard<Mutex> hold(mutex);
                          }),
                          "parked on mutex, which fiber 3 holds");
  EXPECT_NONFATAL_FAILURE(Leave([] {
                            TaskGroup group;
                            group.Spawn("child", [] { return weft::SleepFor(absl::Hours(1)); });
                            group.Wait().IgnoreError();
                          }),
                          "'child' on shard 0, parked on sleep; a child of fiber 2");
}

// Without a fiber nothing of this can be left, but by a fault of the scheduler: hence made up.
TEST(LeakCheck, ReadingsThatDoNotAddUpAreNamed) {
  EXPECT_EQ(DescribeImbalance({{.shard = 0, .idle = 3, .stacks = 3}, {.shard = 1}}), "");
  EXPECT_EQ(DescribeImbalance({{.shard = 0, .timers = 2}}),
            "\n  shard 0: 2 timers are armed though no fiber waits");
  EXPECT_EQ(DescribeImbalance({{.shard = 0}, {.shard = 1, .idle = 3, .stacks = 4}}),
            "\n  shard 1: 4 stacks are in use by 3 idle fibers");
}

TEST(LeakCheck, ARuntimeAtRestAddsUp) {
  for (const size_t idle_max : {0, 2, 100}) {
    TestRuntime runtime({.shards = 2, .max_idle_fibers = idle_max});
    for (int shard = 0; shard < 2; ++shard) {
      runtime.Run(
          [] {
            TaskGroup group;
            for (int i = 0; i < 10; ++i) group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
            EXPECT_TRUE(group.Wait().ok());
          },
          shard);
    }
    EXPECT_EQ(DescribeFibers(runtime.runtime()), "");
    EXPECT_EQ(DescribeFibers(runtime.runtime()), "");
    EXPECT_EQ(DescribeImbalance(runtime.runtime().Stats()), "");
  }
}

}  // namespace
}  // namespace weft
