#include "platform/fiber/testing/sequencer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Sequencer, ForcesTheOrderWhateverTheScheduling) {
  ForEachShuffle(StressSeeds(20), [](uint64_t seed) {
    TestRuntime runtime({.shuffle_seed = seed});
    std::string trace;
    runtime.Run([&] {
      Sequencer order;
      TaskGroup group;
      for (int first : {2, 0, 1}) {
        group.Spawn([&, first] {
          for (int step = first; step < 9; step += 3) {
            auto turn = order.Step(step);
            trace += std::to_string(step);
            Yield();
            trace += '.';
          }
        });
      }
      EXPECT_TRUE(group.Wait().ok());
    });
    EXPECT_EQ(trace, "0.1.2.3.4.5.6.7.8.");
  });
}

TEST(Sequencer, AStepLastsUntilItsTurnIsDestroyed) {
  TestRuntime().Run([] {
    Sequencer order;
    bool second = false;
    TaskGroup group;
    group.Spawn([&] {
      auto turn = order.Step(1);
      second = true;
    });
    {
      auto turn = order.Step(0);
      WaitAllBlocked();
      EXPECT_FALSE(second);
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(second);
  });
}

TEST(Sequencer, HoldsForCancelledFibersToo) {
  TestRuntime().Run([] {
    Sequencer order;
    std::string trace;
    TaskGroup doomed;
    doomed.Spawn([&] {
      EXPECT_FALSE(weft::SleepFor(absl::InfiniteDuration()).ok());
      auto turn = order.Step(1);
      trace += "cleaned up";
    });
    {
      auto turn = order.Step(0);
      doomed.Cancel();
      WaitAllBlocked();
      trace += "cancelled, ";
    }
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kOk);
    EXPECT_EQ(trace, "cancelled, cleaned up");
  });
}

TEST(Sequencer, OrdersFibersOfSeveralShards) {
  TestRuntime runtime({.shards = 2});
  Sequencer order;
  std::string trace;  // Guarded by the order.
  SimulatedClock::Hold hold(runtime.clock());
  const auto take = [&](int first, char name) {
    for (int step = first; step < 200; step += 2) {
      auto turn = order.Step(step);
      trace += name;
    }
  };
  std::thread other([&] { runtime.Run([&] { take(1, 'b'); }, 1); });
  runtime.Run([&] { take(0, 'a'); }, 0);
  other.join();
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += "ab";
  EXPECT_EQ(trace, expected);
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(SequencerDeathTest, AStepIsTakenOnce) {
  const auto take_twice = [] {
    TestRuntime().Run([] {
      Sequencer order;
      { auto turn = order.Step(0); }
      { auto turn = order.Step(0); }
    });
  };
  EXPECT_DEATH(take_twice(), "a step of a Sequencer is taken once: that number has been used");
}

TEST(SequencerDeathTest, AStepThatNobodyTakesLeavesTheTestStuck) {
  const auto skip = [] {
    TestRuntime().Run([] {
      Sequencer order;
      { auto turn = order.Step(0); }
      auto turn = order.Step(2);
    });
  };
  EXPECT_DEATH(skip(), "the test is stuck.*parked on its step of a Sequencer");
}
#endif

}  // namespace
}  // namespace weft
