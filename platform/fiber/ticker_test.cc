#include "platform/fiber/ticker.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

// When, in seconds after the start, `ticks` ticks with a period of 10 s are taken by one who comes
// for the first of them `late` after the start.
std::vector<int64_t> TickTimes(MissedTicks missed, absl::Duration late, int ticks) {
  std::vector<int64_t> times;
  const absl::Time start = weft::Now();
  Ticker ticker({.period = absl::Seconds(10), .missed = missed});
  EXPECT_TRUE(weft::SleepFor(late).ok());
  for (int i = 0; i < ticks; ++i) {
    EXPECT_TRUE(ticker.Wait().ok());
    times.push_back(absl::ToInt64Seconds(weft::Now() - start));
  }
  return times;
}

TEST(Ticker, TicksEachPeriodWithoutDrift) {
  TestRuntime().Run([] {
    for (const MissedTicks missed : {MissedTicks::kSkip, MissedTicks::kBurst}) {
      Ticker ticker({.period = absl::Seconds(10), .missed = missed});
      const absl::Time start = weft::Now();
      for (int i = 1; i <= 100; ++i) {
        EXPECT_EQ(ticker.next(), start + i * absl::Seconds(10));
        EXPECT_TRUE(ticker.Wait().ok());
        EXPECT_EQ(weft::Now(), start + i * absl::Seconds(10));
        // The time that the work takes, up to nearly a period, does not move the ticks.
        EXPECT_TRUE(weft::SleepFor(i % 10 * absl::Milliseconds(999)).ok());
      }
    }
  });
}

TEST(Ticker, ALateWakeDoesNotMoveTheNextTick) {
  TestRuntime runtime;
  runtime.Run([&] {
    Ticker ticker({.period = absl::Seconds(10)});
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([&] {
      EXPECT_TRUE(ticker.Wait().ok());
      EXPECT_EQ(weft::Now() - start, absl::Seconds(13));
      EXPECT_TRUE(ticker.Wait().ok());
      EXPECT_EQ(weft::Now() - start, absl::Seconds(20));
    });
    WaitAllBlocked();
    runtime.clock().Advance(start + absl::Seconds(13) - weft::Now());
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Ticker, MissedTicksAreSkippedByDefault) {
  TestRuntime().Run([] {
    EXPECT_EQ(TickerOptions{}.missed, MissedTicks::kSkip);
    EXPECT_EQ(TickTimes(MissedTicks::kSkip, absl::Seconds(35), 3),
              (std::vector<int64_t>{35, 40, 50}));
    // Late by less than a period, and by periods exactly.
    EXPECT_EQ(TickTimes(MissedTicks::kSkip, absl::Seconds(12), 2), (std::vector<int64_t>{12, 20}));
    EXPECT_EQ(TickTimes(MissedTicks::kSkip, absl::Seconds(20), 2), (std::vector<int64_t>{20, 30}));
  });
}

TEST(Ticker, MissedTicksComeInABurst) {
  TestRuntime().Run([] {
    EXPECT_EQ(TickTimes(MissedTicks::kBurst, absl::Seconds(35), 5),
              (std::vector<int64_t>{35, 35, 35, 40, 50}));
  });
}

TEST(Ticker, MissedTicksDelayTheNext) {
  TestRuntime().Run([] {
    EXPECT_EQ(TickTimes(MissedTicks::kDelay, absl::Seconds(35), 3),
              (std::vector<int64_t>{35, 45, 55}));
    EXPECT_EQ(TickTimes(MissedTicks::kDelay, absl::Seconds(12), 2), (std::vector<int64_t>{12, 22}));
  });
}

TEST(Ticker, ADeadlineBeforeTheTickLeavesIt) {
  TestRuntime().Run([] {
    Ticker ticker({.period = absl::Seconds(10)});
    const absl::Time start = weft::Now();
    EXPECT_EQ(ticker.Wait(start + absl::Seconds(3)),
              absl::DeadlineExceededError("the deadline passed while waiting for a ticker"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
    EXPECT_EQ(ticker.Wait(start).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(ticker.Wait(start + absl::Seconds(10)).ok());  // At the tick itself: it counts.
    EXPECT_EQ(weft::Now() - start, absl::Seconds(10));
  });
}

TEST(Ticker, CancellationEndsTheWaitAlsoWhenATickIsDue) {
  TestRuntime().Run([] {
    Ticker ticker({.period = absl::Seconds(10), .missed = MissedTicks::kBurst});
    TaskGroup group;
    group.Spawn([&] { return ticker.Wait(); });
    WaitAllBlocked();
    group.Cancel();
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(25)).ok());
    {
      CancelScope scope;
      scope.Cancel();
      EXPECT_EQ(ticker.Wait().code(), absl::StatusCode::kCancelled);
    }
    const absl::Time now = weft::Now();
    EXPECT_TRUE(ticker.Wait().ok());  // Neither took the tick.
    EXPECT_TRUE(ticker.Wait().ok());
    EXPECT_EQ(weft::Now(), now);
  });
}

TEST(Ticker, ResetStartsAgain) {
  TestRuntime().Run([] {
    Ticker ticker({.period = absl::Seconds(10)});
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(35)).ok());
    ticker.Reset();
    const absl::Time start = weft::Now();
    EXPECT_TRUE(ticker.Wait().ok());
    EXPECT_EQ(weft::Now() - start, absl::Seconds(10));
  });
}

TEST(Ticker, OfAnInfinitePeriodNeverTicks) {
  TestRuntime().Run([] {
    Ticker ticker({.period = absl::InfiniteDuration()});
    EXPECT_EQ(ticker.next(), absl::InfiniteFuture());
    EXPECT_EQ(ticker.Wait(weft::Now() + absl::Hours(1000)).code(),
              absl::StatusCode::kDeadlineExceeded);
  });
}

TEST(Ticker, APeriodBelowANanosecondIsOne) {
  TestRuntime().Run([] {
    Ticker ticker({.period = absl::Nanoseconds(1) / 4});
    const absl::Time start = weft::Now();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(ticker.Wait().ok());
    EXPECT_EQ(weft::Now() - start, absl::Nanoseconds(5));
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(TickerDeathTest, PeriodIsPositive) {
  EXPECT_DEATH(TestRuntime().Run([] { Ticker ticker({.period = absl::ZeroDuration()}); }),
               "a Ticker's period is positive");
  EXPECT_DEATH(TestRuntime().Run([] { Ticker ticker({.period = -absl::Seconds(1)}); }),
               "a Ticker's period is positive");
}

TEST(TickerDeathTest, IsWaitedForByOneFiber) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Ticker ticker({.period = absl::Seconds(1)});
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return ticker.Wait(); });
    (void)group.Wait();
  }),
               "two fibers wait for one Ticker");
}

TEST(TickerDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto ticker = std::make_unique<Ticker>(TickerOptions{.period = absl::Seconds(1)});
    TaskGroup group;
    group.Spawn([&] { return ticker->Wait(); });
    WaitAllBlocked();
    ticker.reset();
  }),
               "a Ticker is destroyed while a fiber waits");
}

TEST(TickerDeathTest, IsForFibers) {
  EXPECT_DEATH(Ticker({.period = absl::Seconds(1)}), "a Ticker is for fibers");
}
#endif

}  // namespace
}  // namespace weft
