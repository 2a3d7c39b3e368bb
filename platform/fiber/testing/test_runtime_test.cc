#include "platform/fiber/testing/test_runtime.h"

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

std::string TraceOf(uint64_t seed) {
  std::string trace;
  TestRuntime runtime({.shuffle_seed = seed});
  runtime.Run([&] {
    TaskGroup group;
    for (char name = 'a'; name <= 'f'; ++name) {
      group.Spawn([&trace, name] {
        for (int i = 0; i < 4; ++i) {
          trace.push_back(name);
          if (i % 2 == 0) {
            Yield();
          } else {
            EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(name - 'a')).ok());
          }
        }
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  return trace;
}

TEST(TestRuntime, WithoutASeedReadyFibersRunFirstInFirstOut) {
  std::string trace;
  TestRuntime runtime;
  runtime.Run([&] {
    TaskGroup group;
    for (char name = 'a'; name <= 'c'; ++name) {
      group.Spawn([&trace, name] {
        for (int i = 0; i < 3; ++i) {
          trace.push_back(name);
          Yield();
        }
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_EQ(trace, "abcabcabc");
}

TEST(TestRuntime, SameSeedGivesTheSameTrace) {
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(TraceOf(seed), TraceOf(seed)) << seed;
}

TEST(TestRuntime, OtherSeedsGiveOtherTraces) {
  int same = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) same += TraceOf(seed) == TraceOf(seed + 1);
  EXPECT_LT(same, 3);
}

TEST(TestRuntime, WaitAllBlockedLetsThemGoAsFarAsTheyCan) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime runtime({.shuffle_seed = seed});
    runtime.Run([&] {
      Channel<int> channel(3);
      TaskGroup group;
      group.Spawn([&] {
        for (int i = 0; i < 5; ++i) EXPECT_TRUE(channel.Send(i).ok());
      });
      WaitAllBlocked();
      EXPECT_EQ(channel.size(), 3u);
      for (int i = 0; i < 5; ++i) EXPECT_EQ(channel.Receive(), i);
      EXPECT_TRUE(group.Wait().ok());
    });
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.

void WaitForEachOther() {
  Channel<int> first(1);
  Channel<int> second(1);
  TaskGroup group;
  group.Spawn("philosopher", [&] {
    (void)first.Receive();
    second.Send(1).IgnoreError();
  });
  (void)second.Receive();
  first.Send(1).IgnoreError();
}

TEST(TestRuntimeDeathTest, AStuckTestNamesItsFibersAndEnds) {
  EXPECT_DEATH(TestRuntime().Run(WaitForEachOther),
               "the test is stuck.*"
               "'philosopher' on shard 0, parked on channel receive; a child of fiber 1.*"
               "'Runtime::Run' on shard 0, parked on channel receive.*"
               "WaitForEachOther");
}

TEST(TestRuntimeDeathTest, AStuckTestPrintsItsSeed) {
  EXPECT_DEATH(TestRuntime({.shuffle_seed = 11}).Run(WaitForEachOther),
               "the test is stuck.*Seed 11. To run in the same order again");
}

TEST(TestRuntimeDeathTest, StuckOnTwoShards) {
  EXPECT_DEATH(TestRuntime({.shards = 2}).Run(WaitForEachOther, 1), "the test is stuck");
}

// Timers come first: stuck is what is left after the last one.
TEST(TestRuntimeDeathTest, StuckAfterTheLastTimer) {
  EXPECT_DEATH(TestRuntime().Run([] {
    EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
    std::cerr << "slept\n";
    WaitForEachOther();
  }),
               "slept.*the test is stuck");
}

#endif

TEST(TestRuntime, WhoHoldsTheClockMayWakeTheFibersLater) {
  TestRuntime runtime;
  Channel<int> channel(1);
  auto hold = std::make_unique<SimulatedClock::Hold>(runtime.clock());
  internal::ThreadEvent waits;
  std::thread other([&] {
    waits.Wait();
    EXPECT_TRUE(channel.TrySend(1));
    hold.reset();
  });
  runtime.Run([&] {
    TaskGroup group;
    group.Spawn([&] { EXPECT_EQ(channel.Receive(), 1); });
    WaitAllBlocked();
    waits.Notify();
    EXPECT_TRUE(group.Wait().ok());
  });
  other.join();
}

}  // namespace
}  // namespace weft
