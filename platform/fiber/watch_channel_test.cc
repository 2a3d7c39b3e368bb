#include "platform/fiber/watch_channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(WatchChannel, GetIsTheLatestValue) {
  WatchChannel<std::string> channel("first");
  const std::shared_ptr<const std::string> kept = channel.Get();
  EXPECT_EQ(*kept, "first");
  EXPECT_TRUE(channel.Set("second").ok());
  EXPECT_EQ(*channel.Get(), "second");
  EXPECT_EQ(*kept, "first");
}

TEST(WatchChannel, CarriesMoveOnlyValues) {
  WatchChannel<std::unique_ptr<int>> channel(std::make_unique<int>(1));
  EXPECT_TRUE(channel.Set(std::make_unique<int>(2)).ok());
  EXPECT_EQ(**channel.Get(), 2);
}

TEST(WatchChannel, ChangedParksUntilThereIsSomethingNew) {
  TestRuntime().Run([] {
    WatchChannel<int> channel(0);
    std::vector<int> seen;
    TaskGroup group;
    group.Spawn([&seen, watch = channel.Subscribe()]() mutable {
      for (absl::StatusOr<std::shared_ptr<const int>> now = watch.Changed(); now.ok();
           now = watch.Changed()) {
        seen.push_back(**now);
      }
    });
    WaitAllBlocked();
    EXPECT_EQ(seen, (std::vector<int>{}));  // The value at subscription is no news.
    EXPECT_TRUE(channel.Set(1).ok());
    WaitAllBlocked();
    EXPECT_TRUE(channel.Set(2).ok());
    EXPECT_TRUE(channel.Set(3).ok());  // Before the receiver has run: the 2 is skipped.
    WaitAllBlocked();
    EXPECT_TRUE(channel.Set(3).ok());  // An equal value is news too.
    channel.Close();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(seen, (std::vector<int>{1, 3, 3}));
  });
}

TEST(WatchChannel, EveryReceiverSeesTheLastValue) {
  ForEachShuffle(20, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      WatchChannel<int> channel(0);
      TaskGroup group;
      for (int i = 0; i < 5; ++i) {
        group.Spawn([watch = channel.Subscribe()]() mutable {
          int last = 0;
          for (;;) {
            const absl::StatusOr<std::shared_ptr<const int>> now = watch.Changed();
            if (!now.ok()) break;
            EXPECT_GT(**now, last);
            last = **now;
          }
          EXPECT_EQ(last, 10);
        });
      }
      for (int value = 1; value <= 10; ++value) {
        EXPECT_TRUE(channel.Set(value).ok());
        if (value % 3 == 0) Yield();
      }
      channel.Close();
      EXPECT_TRUE(group.Wait().ok());
    });
  });
}

TEST(WatchChannel, WhatAReceiverGotItHasSeen) {
  TestRuntime().Run([] {
    WatchChannel<int> channel(0);
    WatchReceiver<int> watch = channel.Subscribe();
    EXPECT_FALSE(watch.has_changed());
    EXPECT_TRUE(channel.Set(1).ok());
    EXPECT_TRUE(watch.has_changed());
    EXPECT_EQ(*watch.Get(), 1);
    EXPECT_FALSE(watch.has_changed());
    EXPECT_TRUE(absl::IsDeadlineExceeded(watch.Changed(weft::Now()).status()));
  });
}

TEST(WatchChannel, UpdateStartsAgainWhenTheValueHasChanged) {
  WatchChannel<std::vector<int>> channel({1});
  int calls = 0;
  EXPECT_TRUE(channel
                  .Update([&](std::vector<int>& value) {
                    if (++calls == 1) {
                      EXPECT_TRUE(channel.Set({1, 2}).ok());
                    }
                    value.push_back(3);
                  })
                  .ok());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(*channel.Get(), (std::vector<int>{1, 2, 3}));
}

TEST(WatchChannel, UpdatesOfManyThreadsAreNotLost) {
  WatchChannel<int> channel(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 500; ++j) EXPECT_TRUE(channel.Update([](int& value) { ++value; }).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*channel.Get(), 2000);
}

TEST(WatchChannel, CloseKeepsTheValueAndEndsTheNews) {
  TestRuntime().Run([] {
    WatchChannel<int> channel(0);
    WatchReceiver<int> unseen = channel.Subscribe();
    EXPECT_TRUE(channel.Set(1).ok());
    WatchReceiver<int> seen = channel.Subscribe();
    channel.Close();
    channel.Close();
    EXPECT_TRUE(channel.closed());
    EXPECT_TRUE(absl::IsFailedPrecondition(channel.Set(2)));
    EXPECT_TRUE(absl::IsFailedPrecondition(channel.Update([](int&) { FAIL(); })));
    EXPECT_TRUE(absl::IsOutOfRange(seen.Changed().status()));
    EXPECT_EQ(**unseen.Changed(), 1);
    EXPECT_TRUE(absl::IsOutOfRange(unseen.Changed().status()));
    EXPECT_EQ(*channel.Get(), 1);
    EXPECT_EQ(*channel.Subscribe().Get(), 1);
  });
}

TEST(WatchChannel, ClosedDuringAnUpdateItIsNotSet) {
  WatchChannel<int> channel(0);
  EXPECT_TRUE(absl::IsFailedPrecondition(channel.Update([&](int& value) {
    value = 1;
    channel.Close();
  })));
  EXPECT_EQ(*channel.Get(), 0);
}

TEST(WatchChannel, DeadlinesAndCancellationEndTheWait) {
  TestRuntime().Run([] {
    WatchChannel<int> channel(0);
    WatchReceiver<int> watch = channel.Subscribe();
    const absl::Time start = weft::Now();
    EXPECT_EQ(
        watch.Changed(start + absl::Seconds(1)).status(),
        absl::DeadlineExceededError("the deadline passed while waiting for a value to change"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    TaskGroup doomed;
    doomed.Spawn([&] { return watch.Changed().status(); });
    WaitAllBlocked();
    doomed.Cancel();
    EXPECT_TRUE(channel.Set(1).ok());
    EXPECT_TRUE(absl::IsCancelled(doomed.Wait()));
    EXPECT_EQ(**watch.Changed(), 1);  // The cancelled one has not seen it.
  });
}

TEST(WatchChannel, IsACaseOfASelect) {
  TestRuntime().Run([] {
    WatchChannel<int> channel(0);
    WatchReceiver<int> watch = channel.Subscribe();
    std::vector<int> seen;
    int ends = 0;
    const auto keep = [&](absl::StatusOr<std::shared_ptr<const int>> now) {
      now.ok() ? seen.push_back(**now) : void(++ends);
    };
    const auto select = [&] { return *Select(After(absl::Seconds(1)), Changed(watch, keep)); };
    EXPECT_EQ(select(), 0u);
    EXPECT_TRUE(channel.Set(1).ok());
    EXPECT_EQ(select(), 1u);
    TaskGroup group;
    group.Spawn(select);
    WaitAllBlocked();
    EXPECT_TRUE(channel.Set(2).ok());
    EXPECT_TRUE(channel.Set(3).ok());
    EXPECT_TRUE(group.Wait().ok());
    group.Spawn(select);
    WaitAllBlocked();
    channel.Close();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(seen, (std::vector<int>{1, 3}));
    EXPECT_EQ(ends, 1);
  });
}

// --- Bad use -------------------------------------------------------------------------------------

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(WatchChannelDeathTest, OutlivesItsReceivers) {
  EXPECT_DEATH(
      {
        auto channel = std::make_unique<WatchChannel<int>>(1);
        WatchReceiver<int> watch = channel->Subscribe();
        channel.reset();
      },
      "destroyed before its receivers");
}

TEST(WatchChannelDeathTest, AReceiverIsForOneFiberAtATime) {
  EXPECT_DEATH(TestRuntime().Run([] {
    WatchChannel<int> channel(1);
    WatchReceiver<int> watch = channel.Subscribe();
    TaskGroup group;
    group.Spawn([&] { return watch.Changed().status(); });
    WaitAllBlocked();
    (void)watch.Get();
  }),
               "used while a fiber waits in it");
}

TEST(WatchChannelDeathTest, AReceiverIsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    WatchChannel<int> channel(1);
    std::optional<WatchReceiver<int>> watch(channel.Subscribe());
    TaskGroup group;
    group.Spawn([&] { return watch->Changed().status(); });
    WaitAllBlocked();
    watch.reset();
  }),
               "a WatchReceiver is destroyed while a fiber waits");
}
#endif

}  // namespace
}  // namespace weft
