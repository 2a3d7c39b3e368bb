#include "platform/fiber/testing/simulated_clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

RuntimeOptions On(SimulatedClock& clock, int shards = 1) {
  return {.shards = shards, .clock = &clock, .poller_factory = clock.Pollers()};
}

TEST(SimulatedClock, StandsStillWhileFibersRun) {
  SimulatedClock clock;
  Runtime runtime(On(clock));
  runtime.Run([&] {
    const absl::Time start = weft::Now();
    for (int i = 0; i < 1000; ++i) Yield();
    EXPECT_EQ(weft::Now(), start);
  });
  EXPECT_EQ(clock.jumps(), 0u);
}

TEST(SimulatedClock, JumpsToTheEarliestDeadlineWhenAllWait) {
  SimulatedClock clock;
  Runtime runtime(On(clock));
  runtime.Run([&] {
    const absl::Time start = weft::Now();
    std::vector<absl::Duration> ends;
    TaskGroup group;
    for (int hours : {3, 1, 2}) {
      group.Spawn([&, hours] {
        EXPECT_TRUE(weft::SleepFor(absl::Hours(hours)).ok());
        ends.push_back(weft::Now() - start);
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(ends, (std::vector<absl::Duration>{absl::Hours(1), absl::Hours(2), absl::Hours(3)}));
  });
  EXPECT_EQ(clock.jumps(), 3u);
}

TEST(SimulatedClock, WaitsForEveryShard) {
  // The first shard sleeps while the second computes: no jump may come in between.
  SimulatedClock clock;
  Runtime runtime(On(clock, 2));
  std::atomic<bool> finished{false};
  Channel<int> started(1);
  std::thread sleeper([&] {
    runtime.Run(
        [&] {
          EXPECT_TRUE(started.Receive().has_value());
          EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
          EXPECT_TRUE(finished);
        },
        0);
  });
  runtime.Run(
      [&] {
        EXPECT_TRUE(started.Send(1).ok());
        for (int i = 0; i < 10'000; ++i) Yield();
        finished = true;
      },
      1);
  sleeper.join();
}

TEST(SimulatedClock, AdvanceFiresTimersWhileHeld) {
  SimulatedClock clock;
  auto hold = std::make_unique<SimulatedClock::Hold>(clock);
  Runtime runtime(On(clock));
  Channel<int> slept(1);
  runtime.Run([&] {
    TaskGroup group;
    group.Spawn([&] {
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(10)).ok());
      EXPECT_TRUE(slept.TrySend(1));
    });
    for (int i = 0; i < 200; ++i) Yield();  // Several turns of the loop.
    EXPECT_EQ(slept.size(), 0u);
    clock.Advance(absl::Seconds(9));
    for (int i = 0; i < 200; ++i) Yield();
    EXPECT_EQ(slept.size(), 0u);
    clock.Advance(absl::Seconds(1));
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(slept.size(), 1u);
  });
  EXPECT_EQ(clock.jumps(), 0u);
}

TEST(SimulatedClock, WaitAllBlockedTakesNoTimeAndNoHoldStopsIt) {
  SimulatedClock clock;
  Runtime runtime(On(clock, 2));
  SimulatedClock::Hold hold(clock);
  runtime.Run([&] {
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([] { return weft::SleepFor(absl::InfiniteDuration()); });
    int turns = 0;
    group.Spawn([&] {
      for (; turns < 1000; ++turns) Yield();
    });
    WaitAllBlocked();
    EXPECT_EQ(turns, 1000);
    WaitAllBlocked();
    EXPECT_EQ(weft::Now(), start);
    group.Cancel();
    EXPECT_FALSE(group.Wait().ok());
  });
}

TEST(SimulatedClock, FibersThatWaitForAllBlockedWakeUpTogetherInOrder) {
  SimulatedClock clock;
  Runtime runtime(On(clock));
  runtime.Run([&] {
    std::string trace;
    TaskGroup group;
    for (char name = 'a'; name <= 'c'; ++name) {
      group.Spawn([&trace, name] {
        WaitAllBlocked();
        trace += name;
        WaitAllBlocked();
        trace += name;
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(trace, "abcabc");
  });
}

TEST(SimulatedClock, WaitAllBlockedSeesTheOtherShards) {
  SimulatedClock clock;
  Runtime runtime(On(clock, 2));
  std::atomic<int> turns{0};
  Channel<int> started(1);
  std::thread other([&] {
    runtime.Run(
        [&] {
          EXPECT_TRUE(started.Send(1).ok());
          for (; turns < 10'000; ++turns) Yield();
        },
        1);
  });
  runtime.Run([&] {
    EXPECT_EQ(started.Receive(), 1);
    WaitAllBlocked();
    EXPECT_EQ(turns, 10'000);
  });
  other.join();
}

TEST(SimulatedClock, OutsideWorkOfAFiberHoldsItToo) {
  SimulatedClock clock;
  Runtime runtime(On(clock));
  runtime.Run([&] {
    TaskGroup group;
    group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
    Runtime::CurrentPoller()->OutsideWorkBegins();
    WaitAllBlocked();
    EXPECT_EQ(clock.jumps(), 0u);
    Runtime::CurrentPoller()->OutsideWorkEnds();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(clock.jumps(), 1u);
  });
}

TEST(SimulatedClock, TellsOnceThatAnAwaitedFiberWaitsInVain) {
  SimulatedClock clock;
  std::atomic<int> reports{0};
  Channel<int> channel(1);
  std::thread rescuer;
  clock.OnStuck([&] {
    ++reports;
    rescuer = std::thread([&] { EXPECT_TRUE(channel.TrySend(1)); });
  });
  Runtime runtime(On(clock));
  runtime.Run([&] {
    {
      TaskGroup group;
      group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
      EXPECT_TRUE(group.Wait().ok());
    }
    SimulatedClock::Awaited awaited(clock);
    EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
    EXPECT_EQ(reports, 0);
    EXPECT_EQ(channel.Receive(), 1);
  });
  rescuer.join();
  EXPECT_EQ(reports, 1);
}

TEST(SimulatedClock, TheEndOfAHoldLetsItJump) {
  SimulatedClock clock;
  auto hold = std::make_unique<SimulatedClock::Hold>(clock);
  Runtime runtime(On(clock));
  std::thread sleeper(
      [&] { runtime.Run([] { EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok()); }); });
  hold.reset();
  sleeper.join();
  EXPECT_EQ(clock.jumps(), 1u);
}

}  // namespace
}  // namespace weft
