#include "platform/fiber/rate_limiter.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

int64_t MillisSince(absl::Time start) { return absl::ToInt64Milliseconds(weft::Now() - start); }

TEST(RateLimiter, StartsFullThenGivesATokenAtATime) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 3});
    const absl::Time start = weft::Now();
    std::vector<int64_t> times;
    for (int i = 0; i < 6; ++i) {
      EXPECT_TRUE(limiter.Acquire().ok());
      times.push_back(MillisSince(start));
      EXPECT_EQ(weft::Now(), start + absl::Milliseconds(times.back()));  // To the nanosecond.
    }
    EXPECT_EQ(times, (std::vector<int64_t>{0, 0, 0, 100, 200, 300}));
  });
}

TEST(RateLimiter, FillsUpToItsBurstWhenNobodyAsks) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 3});
    EXPECT_TRUE(limiter.TryAcquire(3));
    EXPECT_FALSE(limiter.TryAcquire());
    EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(200)).ok());
    EXPECT_TRUE(limiter.TryAcquire(2));
    EXPECT_FALSE(limiter.TryAcquire());
    EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
    EXPECT_TRUE(limiter.TryAcquire(3));
    EXPECT_FALSE(limiter.TryAcquire());
  });
}

TEST(RateLimiter, KeepsAnOddRateForLong) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 7.3, .burst = 1});
    const absl::Time start = weft::Now();
    for (int i = 0; i <= 7300; ++i) EXPECT_TRUE(limiter.Acquire().ok());
    // The first is there; each wake is rounded up to a nanosecond, which must not add up.
    EXPECT_GE(weft::Now() - start, absl::Seconds(1000) - absl::Microseconds(1));
    EXPECT_LE(weft::Now() - start, absl::Seconds(1000) + absl::Microseconds(1));
  });
}

TEST(RateLimiter, ServesInTheOrderTheyCameWhateverTheirSize) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 5});
    ASSERT_TRUE(limiter.TryAcquire(4));
    const absl::Time start = weft::Now();
    std::string served;
    TaskGroup group;
    for (const int n : {5, 1, 3, 1}) {
      group.Spawn([&, n] {
        EXPECT_TRUE(limiter.Acquire(static_cast<size_t>(n)).ok());
        served += std::to_string(n) + "@" + std::to_string(MillisSince(start)) + " ";
      });
    }
    WaitAllBlocked();
    EXPECT_FALSE(limiter.TryAcquire());  // There is one token, for the first in line.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(served, "5@400 1@500 3@800 1@900 ");
  });
}

TEST(RateLimiter, RefusesAtOnceWhatCannotComeInTime) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 5});
    ASSERT_TRUE(limiter.TryAcquire(5));
    TaskGroup group;
    group.Spawn([&] { return limiter.Acquire(4); });
    WaitAllBlocked();
    const absl::Time start = weft::Now();
    const absl::Time ready = start + absl::Milliseconds(600);  // With those ahead.
    EXPECT_EQ(limiter.Acquire(2, start + absl::Milliseconds(599)),
              absl::ResourceExhaustedError("the rate limiter will have 2 tokens in 600ms, but "
                                           "the deadline is in 599ms: retry later"));
    {
      CancelScope scope({.deadline = start + absl::Milliseconds(300)});
      EXPECT_EQ(limiter.Acquire(2).code(), absl::StatusCode::kResourceExhausted);
    }
    EXPECT_EQ(weft::Now(), start);
    EXPECT_TRUE(limiter.Acquire(2, ready).ok());
    EXPECT_EQ(weft::Now(), ready);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(RateLimiter, ADeadlineThatHasPassedIsExceeded) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10});
    EXPECT_TRUE(limiter.Acquire(1, absl::InfinitePast()).ok());  // What is there needs no time.
    EXPECT_EQ(limiter.Acquire(1, weft::Now()).code(), absl::StatusCode::kDeadlineExceeded);
  });
}

// The one ahead is woken late: the deadline of the next passes, although its token was sure to come
// in time.
TEST(RateLimiter, TheDeadlineEndsTheWaitBehindALateOne) {
  TestRuntime runtime;
  runtime.Run([&] {
    RateLimiter limiter({.rate_per_second = 10});
    ASSERT_TRUE(limiter.TryAcquire());
    const absl::Time deadline = weft::Now() + absl::Milliseconds(250);
    TaskGroup group;
    group.Spawn([&] { EXPECT_TRUE(limiter.Acquire().ok()); });
    WaitAllBlocked();
    group.Spawn([&] {
      EXPECT_EQ(
          limiter.Acquire(1, deadline),
          absl::DeadlineExceededError("the deadline passed while waiting for a rate limiter"));
    });
    WaitAllBlocked();
    runtime.clock().Advance(absl::Milliseconds(300));
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(RateLimiter, TokensOfOneThatGivesUpGoToTheNext) {
  for (const bool head : {true, false}) {
    TestRuntime().Run([&] {
      RateLimiter limiter({.rate_per_second = 10, .burst = 5});
      ASSERT_TRUE(limiter.TryAcquire(5));
      const absl::Time start = weft::Now();
      std::string served;
      TaskGroup group;
      TaskGroup doomed;
      const auto acquire = [&](TaskGroup& in, size_t n) {
        in.Spawn([&, n]() -> absl::Status {
          if (absl::Status s = limiter.Acquire(n); !s.ok()) return s;
          served += std::to_string(n) + "@" + std::to_string(MillisSince(start)) + " ";
          return absl::OkStatus();
        });
      };
      acquire(head ? doomed : group, 3);
      acquire(head ? group : doomed, 4);
      acquire(group, 2);
      EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(250)).ok());
      doomed.Cancel();
      EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(served, head ? "4@400 2@600 " : "3@300 2@500 ");
    });
  }
}

// The head gives up when the tokens of several behind it are there.
TEST(RateLimiter, PassesOnToAllThatCanBeServed) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 5});
    ASSERT_TRUE(limiter.TryAcquire(5));
    const absl::Time start = weft::Now();
    TaskGroup doomed;
    doomed.Spawn([&] { return limiter.Acquire(5); });
    WaitAllBlocked();
    TaskGroup group;
    std::string served;
    for (int i = 0; i < 4; ++i) {
      group.Spawn([&] {
        EXPECT_TRUE(limiter.Acquire(2).ok());
        served += std::to_string(MillisSince(start)) + " ";
      });
    }
    EXPECT_TRUE(weft::SleepUntil(start + absl::Milliseconds(450)).ok());
    doomed.Cancel();
    EXPECT_FALSE(doomed.Wait().ok());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(served, "450 450 600 800 ");
  });
}

TEST(RateLimiter, ALateWakeCostsNoTokens) {
  TestRuntime runtime;
  runtime.Run([&] {
    RateLimiter limiter({.rate_per_second = 1000, .burst = 1});
    ASSERT_TRUE(limiter.TryAcquire());
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([&] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(limiter.Acquire().ok());
      EXPECT_LE(weft::Now() - start, absl::Milliseconds(102));
    });
    // Computes most of the time, so that wakes come up to 1.7 ms late.
    group.Spawn([&] {
      while (group.running() > 1) {
        EXPECT_TRUE(weft::SleepFor(absl::Microseconds(500)).ok());
        runtime.clock().Advance(absl::Microseconds(1700));
      }
    });
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(RateLimiter, ALongStallGivesNoMoreThanTheBurst) {
  TestRuntime runtime;
  runtime.Run([&] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 2});
    ASSERT_TRUE(limiter.TryAcquire(2));
    int served = 0;
    TaskGroup group;
    for (int i = 0; i < 5; ++i) {
      group.Spawn([&] {
        EXPECT_TRUE(limiter.Acquire().ok());
        ++served;
      });
    }
    WaitAllBlocked();
    runtime.clock().Advance(absl::Seconds(10));
    WaitAllBlocked();
    EXPECT_EQ(served, 2);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(RateLimiter, NothingAndTooMuch) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = 10, .burst = 2});
    ASSERT_TRUE(limiter.TryAcquire(2));
    EXPECT_TRUE(limiter.Acquire(0).ok());
    EXPECT_TRUE(limiter.TryAcquire(0));
    EXPECT_FALSE(limiter.TryAcquire(3));
    EXPECT_EQ(limiter.Acquire(3),
              absl::InvalidArgumentError("a rate limiter with a burst of 2 tokens was asked for 3, "
                                         "which it will never have: ask for fewer, or raise its "
                                         "burst"));
  });
}

TEST(RateLimiter, AVerySlowRateWaitsForEver) {
  TestRuntime().Run([] {
    RateLimiter limiter({.rate_per_second = std::numeric_limits<double>::min(), .burst = 1});
    ASSERT_TRUE(limiter.TryAcquire());
    TaskGroup group;
    group.Spawn([&] { return limiter.Acquire(); });
    EXPECT_TRUE(weft::SleepFor(absl::Hours(1000)).ok());
    EXPECT_EQ(group.running(), 1u);
    group.Cancel();
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kCancelled);
  });
}

TEST(RateLimiter, APlainThreadTakesWhatIsThere) {
  TestRuntime runtime;
  RateLimiter limiter({.rate_per_second = 10, .burst = 2, .clock = &runtime.clock()});
  EXPECT_TRUE(limiter.TryAcquire(2));
  EXPECT_FALSE(limiter.TryAcquire());
  runtime.Run([&] { EXPECT_TRUE(limiter.Acquire().ok()); });
  runtime.clock().Advance(absl::Milliseconds(100));
  EXPECT_TRUE(limiter.TryAcquire());
  EXPECT_FALSE(limiter.TryAcquire());
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(RateLimiterDeathTest, OptionsMakeSense) {
  EXPECT_DEATH(RateLimiter({.rate_per_second = 0}), "rate is positive and finite");
  EXPECT_DEATH(RateLimiter({.rate_per_second = -1}), "rate is positive and finite");
  EXPECT_DEATH(RateLimiter({.rate_per_second = std::numeric_limits<double>::infinity()}),
               "rate is positive and finite");
  EXPECT_DEATH(RateLimiter({.rate_per_second = 1, .burst = 0}), "at least one token");
}

TEST(RateLimiterDeathTest, HasOneClock) {
  RateLimiter limiter({.rate_per_second = 1});
  ASSERT_TRUE(limiter.TryAcquire());  // On the real clock, since this is a plain thread.
  EXPECT_DEATH(TestRuntime().Run([&] { (void)limiter.Acquire(); }), "is used on two clocks");
}

TEST(RateLimiterDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto limiter = std::make_unique<RateLimiter>(RateLimiterOptions{.rate_per_second = 1});
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return limiter->Acquire(); });
    WaitAllBlocked();
    limiter.reset();
  }),
               "a RateLimiter is destroyed while fibers wait");
}

TEST(RateLimiterDeathTest, AcquireIsForFibers) {
  RateLimiter limiter({.rate_per_second = 1});
  EXPECT_DEATH((void)limiter.Acquire(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
