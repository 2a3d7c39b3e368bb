#include "platform/fiber/testing/switch_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using testing::ElementsAre;

// A bit of everything that switches: groups, locks, channels, sleeps, deadlines, cancellation.
void MixedWork() {
  Mutex mutex;
  Channel<int> channel(2);
  TaskGroup group;
  for (int i = 0; i < 4; ++i) {
    group.Spawn("sender", [&, i] {
      for (int n = 0; n < 5; ++n) {
        mutex.Lock();
        Yield();
        mutex.Unlock();
        CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(i)});
        channel.Send(n).IgnoreError();
      }
    });
    group.Spawn("receiver", [&, i] {
      for (int n = 0; n < 3; ++n) {
        weft::SleepFor(absl::Milliseconds(2 * i)).IgnoreError();
        CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(1)});
        (void)channel.Receive();
      }
    });
  }
  TaskGroup doomed;
  doomed.Spawn("doomed", [] { return weft::SleepFor(absl::Hours(1)); });
  weft::SleepFor(absl::Milliseconds(3)).IgnoreError();
  doomed.Cancel();
  doomed.Wait().IgnoreError();
  EXPECT_TRUE(group.Wait().ok());
}

std::vector<std::string> TraceOf(uint64_t seed) {
  SwitchTrace trace;
  TestRuntime runtime({.shuffle_seed = seed, .on_resume = trace.Recorder()});
  runtime.Run(MixedWork);
  return trace.Switches();
}

TEST(SwitchTrace, HoldsEverySwitchInOrder) {
  SwitchTrace trace;
  TestRuntime runtime({.on_resume = trace.Recorder()});
  runtime.Run([] {
    TaskGroup group;
    group.Spawn("a", [] { Yield(); });
    group.Spawn("b", [] {});
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_THAT(trace.Switches(),
              ElementsAre("Runtime::Run#1", "a#2", "b#3", "a#2", "Runtime::Run#1"));
}

TEST(SwitchTrace, SameSeedGivesTheSameSwitches) {
  ForEachShuffle(StressSeeds(20), [](uint64_t seed) {
    const std::vector<std::string> switches = TraceOf(seed);
    EXPECT_GT(switches.size(), 50u);
    EXPECT_EQ(switches, TraceOf(seed));
  });
}

TEST(SwitchTrace, OtherSeedsGiveOtherSwitches) {
  if (SeedToReplay().has_value()) GTEST_SKIP() << "every runtime has the seed to replay";
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_NE(TraceOf(seed), TraceOf(seed + 1)) << seed;
}

}  // namespace
}  // namespace weft
