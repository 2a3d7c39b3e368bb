#include "platform/fiber/mutex.h"

#include <gtest/gtest.h>

#include <mutex>
#include <string>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Mutex, ExcludesOthersAcrossParks) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      Mutex mutex;
      int inside = 0;
      int entered = 0;
      TaskGroup group;
      for (int i = 0; i < 10; ++i) {
        group.Spawn([&] {
          for (int turn = 0; turn < 3; ++turn) {
            std::lock_guard<Mutex> hold(mutex);
            EXPECT_EQ(++inside, 1);
            ++entered;
            EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
            --inside;
          }
        });
      }
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(entered, 30);
    });
  });
}

TEST(Mutex, IsHandedOverFirstComeFirstServed) {
  TestRuntime().Run([] {
    std::string order;
    Mutex mutex;
    mutex.Lock();
    TaskGroup group;
    for (char name = 'a'; name <= 'e'; ++name) {
      group.Spawn([&, name] {
        std::lock_guard<Mutex> hold(mutex);
        order.push_back(name);
      });
    }
    WaitAllBlocked();
    mutex.Unlock();
    // It belongs to 'a' already, which has not run yet: nobody overtakes.
    EXPECT_FALSE(mutex.TryLock());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(order, "abcde");
  });
}

TEST(Mutex, TryLockNeverWaits) {
  TestRuntime().Run([] {
    Mutex mutex;
    EXPECT_TRUE(mutex.TryLock());
    TaskGroup group;
    auto other = group.Spawn([&] { return mutex.TryLock(); });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_FALSE(*other);
    mutex.Unlock();
    std::unique_lock<Mutex> hold(mutex, std::try_to_lock);
    EXPECT_TRUE(hold.owns_lock());
  });
}

TEST(Mutex, LockIsDeafToCancellation) {
  TestRuntime().Run([] {
    Mutex mutex;
    mutex.Lock();
    TaskGroup group;
    bool locked = false;
    group.Spawn([&] {
      std::lock_guard<Mutex> hold(mutex);
      locked = true;
    });
    WaitAllBlocked();
    group.Cancel();
    WaitAllBlocked();
    EXPECT_FALSE(locked);
    mutex.Unlock();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(locked);
  });
}

TEST(Mutex, LockCancellableGivesUpWithoutTheMutex) {
  TestRuntime().Run([] {
    Mutex mutex;
    mutex.Lock();
    TaskGroup group({.deadline = weft::Now() + absl::Seconds(1)});
    group.Spawn([&] { return mutex.LockCancellable(); });
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    mutex.Unlock();
    EXPECT_TRUE(mutex.TryLock());  // Nobody was left in the line to be given it.
    mutex.Unlock();
  });
}

TEST(Mutex, LockCancellableGivesUpAtItsDeadline) {
  TestRuntime().Run([] {
    Mutex mutex;
    mutex.Lock();
    TaskGroup group;
    group.Spawn([&] {
      const absl::Time start = weft::Now();
      const absl::Status late =
          absl::DeadlineExceededError("the deadline passed while waiting for a mutex");
      EXPECT_EQ(mutex.LockCancellable(start + absl::Seconds(2)), late);
      EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
      EXPECT_EQ(mutex.LockCancellable(start), late);  // Over already.
      EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
    });
    EXPECT_TRUE(group.Wait().ok());
    mutex.Unlock();
    // Nobody was left in the line to be given it; and a free mutex needs no time.
    EXPECT_TRUE(mutex.LockCancellable(absl::InfinitePast()).ok());
    mutex.Unlock();
  });
}

TEST(Mutex, LockCancellableTakesAFreeMutexInACancelledScope) {
  TestRuntime().Run([] {
    Mutex mutex;
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(mutex.LockCancellable().ok());
    mutex.Unlock();
  });
}

// Unlock and cancel in the same turn, in both orders: the mutex goes to the first that still waits,
// and a fiber that was given it has it although it is cancelled.
TEST(Mutex, CancelDuringTheHandOver) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Mutex mutex;
      mutex.Lock();
      TaskGroup doomed;
      auto first = doomed.Spawn([&]() -> absl::Status {
        if (absl::Status s = mutex.LockCancellable(); !s.ok()) return s;
        mutex.Unlock();
        return absl::OkStatus();
      });
      WaitAllBlocked();
      TaskGroup group;
      auto second = group.Spawn([&] { std::lock_guard<Mutex> hold(mutex); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      mutex.Unlock();
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      EXPECT_EQ(first.status().ok(), !cancel_first);
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_TRUE(second.status().ok());
      EXPECT_TRUE(mutex.TryLock());
      mutex.Unlock();
    });
  }
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(MutexDeathTest, IsNotRecursive) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Mutex mutex;
    mutex.Lock();
    mutex.Lock();
  }),
               "already holds");
}

TEST(MutexDeathTest, IsUnlockedByWhoHoldsIt) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Mutex mutex;
    mutex.Unlock();
  }),
               "unlocked by who holds it");
}

TEST(MutexDeathTest, IsNotDestroyedWhileLocked) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Mutex mutex;
    mutex.Lock();
  }),
               "destroyed while locked");
}

TEST(MutexDeathTest, IsForFibers) {
  EXPECT_DEATH(
      {
        Mutex mutex;
        mutex.Lock();
      },
      "for fibers");
}
#endif

}  // namespace
}  // namespace weft
