#include "platform/fiber/testing/leak_check.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
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

// Leaves a fiber behind that is in `function`, for ever; time stands still.
void Leave(std::function<void()> function) {
  // Reachable for ever, so that leak sanitizer stays quiet about what the check leaves behind.
  static std::vector<const void*> reachable;
  auto* const body = new Forgotten(std::move(function));
  TestRuntime runtime;
  auto* const hold = new SimulatedClock::Hold(runtime.clock());
  reachable.insert(reachable.end(), {body, hold, &runtime.runtime(), &runtime.clock()});
  runtime.Run([body] {
    EXPECT_TRUE(internal::StartFiber(*body, {.name = "forgotten"}));
    WaitAllBlocked();
  });
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
                              mutex.Lock();
                              return weft::SleepFor(absl::Hours(1));
                            });
                            Yield();
                            mutex.Lock();
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
