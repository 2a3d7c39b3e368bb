#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <string>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(ConditionVariable, NotifyOneWakesTheOldest) {
  TestRuntime().Run([] {
    Mutex mutex;
    ConditionVariable condition;
    std::string woken;
    TaskGroup group;
    for (char name = 'a'; name <= 'c'; ++name) {
      group.Spawn([&, name] {
        std::lock_guard<Mutex> hold(mutex);
        EXPECT_TRUE(condition.Wait(mutex).ok());
        woken.push_back(name);
      });
    }
    WaitAllBlocked();
    condition.NotifyOne();
    WaitAllBlocked();
    EXPECT_EQ(woken, "a");
    condition.NotifyAll();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(woken, "abc");
  });
}

TEST(ConditionVariable, WaitGivesTheMutexAwayAndTakesItAgain) {
  TestRuntime().Run([] {
    Mutex mutex;
    ConditionVariable condition;
    mutex.Lock();
    TaskGroup group;
    group.Spawn([&] {
      std::lock_guard<Mutex> hold(mutex);  // Free while the other waits.
      condition.NotifyOne();
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(3)).ok());
    });
    const absl::Time start = weft::Now();
    EXPECT_TRUE(condition.Wait(mutex).ok());
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
    EXPECT_FALSE(mutex.TryLock());
    mutex.Unlock();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(ConditionVariable, DeadlineAndCancellationEndTheWaitWithTheMutexHeld) {
  TestRuntime().Run([] {
    Mutex mutex;
    ConditionVariable condition;
    mutex.Lock();
    EXPECT_EQ(condition.Wait(mutex, weft::Now() + absl::Seconds(1)),
              absl::DeadlineExceededError("the deadline passed while waiting for a condition"));
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(condition.Wait(mutex).code(), absl::StatusCode::kCancelled);
    mutex.Unlock();  // Crashes if it is not held.
  });
}

TEST(ConditionVariable, WaitUntilLooksAgainAfterTheDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    Mutex mutex;
    ConditionVariable condition;
    bool done = false;
    std::lock_guard<Mutex> hold(mutex);
    EXPECT_EQ(condition
                  .WaitUntil(
                      mutex, [&] { return done; }, weft::Now() + absl::Seconds(1))
                  .code(),
              absl::StatusCode::kDeadlineExceeded);
    // Became true without a notification, noticed at the deadline.
    TaskGroup group;
    group.Spawn([&] { done = true; });
    EXPECT_TRUE(condition
                    .WaitUntil(
                        mutex, [&] { return done; }, weft::Now() + absl::Seconds(1))
                    .ok());
    EXPECT_TRUE(group.Wait().ok());
  });
}

// A notification that meets a cancelled waiter must go to the next one; one that came first counts
// although the waiter is cancelled before it runs.
TEST(ConditionVariable, ANotificationIsNotLostOnACancelledWaiter) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Mutex mutex;
      ConditionVariable condition;
      const auto wait = [&] {
        std::lock_guard<Mutex> hold(mutex);
        return condition.Wait(mutex);
      };
      TaskGroup doomed;
      doomed.Spawn(wait);
      WaitAllBlocked();
      TaskGroup group;
      group.Spawn(wait);
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      condition.NotifyOne();
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      WaitAllBlocked();
      EXPECT_EQ(group.running(), cancel_first ? 0u : 1u);
      condition.NotifyOne();
      EXPECT_TRUE(group.Wait().ok());
    });
  }
}

// A bounded queue made of the two, against what it should deliver.
TEST(ConditionVariable, BoundedQueueOfSeveralProducersAndConsumers) {
  ForEachShuffle(20, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      Mutex mutex;
      ConditionVariable not_full;
      ConditionVariable not_empty;
      std::deque<int> queue;
      int sum = 0;
      TaskGroup group;
      for (int producer = 0; producer < 3; ++producer) {
        group.Spawn([&] {
          for (int i = 1; i <= 20; ++i) {
            std::lock_guard<Mutex> hold(mutex);
            EXPECT_TRUE(not_full.WaitUntil(mutex, [&] { return queue.size() < 2; }).ok());
            queue.push_back(i);
            not_empty.NotifyOne();
          }
        });
        group.Spawn([&] {
          for (int i = 1; i <= 20; ++i) {
            std::lock_guard<Mutex> hold(mutex);
            EXPECT_TRUE(not_empty.WaitUntil(mutex, [&] { return !queue.empty(); }).ok());
            sum += queue.front();
            queue.pop_front();
            not_full.NotifyOne();
          }
        });
      }
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(sum, 3 * 210);
    });
  });
}

}  // namespace
}  // namespace weft
