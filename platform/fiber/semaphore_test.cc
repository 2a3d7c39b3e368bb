#include "platform/fiber/semaphore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Semaphore, LetsCountFibersInAtOnce) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      Semaphore semaphore(3);
      int inside = 0;
      int inside_max = 0;
      TaskGroup group;
      for (int i = 0; i < 10; ++i) {
        group.Spawn([&]() -> absl::Status {
          const absl::StatusOr<SemaphorePermit> permit = semaphore.AcquirePermit();
          if (!permit.ok()) return permit.status();
          inside_max = std::max(inside_max, ++inside);
          const absl::Status slept = weft::SleepFor(absl::Seconds(1));
          --inside;
          return slept;
        });
      }
      const absl::Time start = weft::Now();
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(inside_max, 3);
      EXPECT_EQ(weft::Now() - start, absl::Seconds(4));
      EXPECT_EQ(semaphore.available(), 3u);
    });
  });
}

TEST(Semaphore, ABigRequestIsNotOvertakenBySmallOnes) {
  TestRuntime().Run([] {
    Semaphore semaphore(4);
    ASSERT_TRUE(semaphore.Acquire(3).ok());
    std::string order;
    TaskGroup group;
    const auto acquire = [&](char name, size_t n) {
      group.Spawn([&semaphore, &order, name, n] {
        EXPECT_TRUE(semaphore.Acquire(n).ok());
        order.push_back(name);
      });
      WaitAllBlocked();
    };
    acquire('B', 3);
    acquire('s', 1);  // There is one, but not its turn.
    EXPECT_EQ(semaphore.available(), 1u);
    EXPECT_FALSE(semaphore.TryAcquire());
    semaphore.Release();
    WaitAllBlocked();
    EXPECT_EQ(order, "");
    semaphore.Release();
    WaitAllBlocked();
    EXPECT_EQ(order, "B");
    semaphore.Release();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(order, "Bs");
    semaphore.Release(4);
  });
}

TEST(Semaphore, OneReleaseServesSeveralInTheirOrder) {
  TestRuntime().Run([] {
    Semaphore semaphore(4);
    ASSERT_TRUE(semaphore.Acquire(4).ok());
    std::string order;
    TaskGroup group;
    for (char name = 'a'; name <= 'd'; ++name) {
      group.Spawn([&, name] {
        EXPECT_TRUE(semaphore.Acquire().ok());
        order.push_back(name);
      });
    }
    WaitAllBlocked();
    semaphore.Release(3);
    // The permits belong to a, b and c already, which have not run yet.
    EXPECT_EQ(semaphore.available(), 0u);
    WaitAllBlocked();
    EXPECT_EQ(order, "abc");
    semaphore.Release();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(order, "abcd");
    semaphore.Release(4);
  });
}

TEST(Semaphore, DeadlineEndsTheWaitWithoutPermits) {
  TestRuntime().Run([] {
    Semaphore semaphore(2);
    ASSERT_TRUE(semaphore.Acquire().ok());
    const absl::Time start = weft::Now();
    EXPECT_EQ(semaphore.Acquire(2, start + absl::Seconds(1)),
              absl::DeadlineExceededError("the deadline passed while waiting for a semaphore"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    EXPECT_EQ(semaphore.AcquirePermit(2, start).status().code(),
              absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(semaphore.Acquire(1, start).ok());  // What is at hand needs no time.
    semaphore.Release(2);
  });
}

// Also: the small request behind a big one that gives up gets its turn.
TEST(Semaphore, ABigRequestThatGivesUpLetsTheNextPass) {
  TestRuntime().Run([] {
    Semaphore semaphore(2);
    ASSERT_TRUE(semaphore.Acquire().ok());
    TaskGroup doomed;
    doomed.Spawn([&] { return semaphore.Acquire(2); });
    WaitAllBlocked();
    TaskGroup group;
    group.Spawn([&] { return semaphore.Acquire(); });
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 1u);
    doomed.Cancel();
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(group.Wait().ok());
    semaphore.Release(2);
  });
}

// Release and cancel in the same turn, in both orders: a fiber that was given permits has them
// although it is cancelled, and permits are not lost on one that gave up.
TEST(Semaphore, CancelDuringTheHandOver) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Semaphore semaphore(1);
      ASSERT_TRUE(semaphore.Acquire().ok());
      TaskGroup doomed;
      doomed.Spawn([&] { return semaphore.Acquire(); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      semaphore.Release();
      EXPECT_EQ(semaphore.available(), cancel_first ? 1u : 0u);
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      if (!cancel_first) semaphore.Release();
      EXPECT_EQ(semaphore.available(), 1u);
    });
  }
}

TEST(Semaphore, NothingIsTakenAtOnceAlsoBehindOthers) {
  TestRuntime().Run([] {
    Semaphore semaphore(1);
    ASSERT_TRUE(semaphore.Acquire().ok());
    TaskGroup group;
    group.Spawn([&] { return semaphore.Acquire(); });
    WaitAllBlocked();
    EXPECT_TRUE(semaphore.Acquire(0).ok());
    EXPECT_TRUE(semaphore.TryAcquire(0));
    semaphore.Release(0);
    EXPECT_EQ(group.running(), 1u);
    semaphore.Release();
    EXPECT_TRUE(group.Wait().ok());
    semaphore.Release();
  });
}

TEST(Semaphore, MoreThanItHasIsRefusedAtOnce) {
  TestRuntime().Run([] {
    Semaphore semaphore(2);
    const absl::Status status = semaphore.Acquire(3);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(),
              "a semaphore of 2 permits was asked for 3, which it will never have: ask for fewer");
    EXPECT_FALSE(semaphore.TryAcquire(3));
    EXPECT_EQ(semaphore.available(), 2u);
  });
}

TEST(Semaphore, APlainThreadReleases) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    Semaphore semaphore(2);
    ASSERT_TRUE(semaphore.Acquire(2).ok());
    std::thread thread([&] { semaphore.Release(2); });
    EXPECT_TRUE(semaphore.Acquire(2).ok());
    thread.join();
    std::thread([&] {
      EXPECT_FALSE(semaphore.TryAcquire());
      semaphore.Release(2);
      EXPECT_TRUE(semaphore.TryAcquire());
      EXPECT_EQ(semaphore.available(), 1u);
      semaphore.Release();
    }).join();
  });
}

TEST(SemaphorePermit, GoesBackOnceWhereverItIsMoved) {
  Semaphore semaphore(5);
  std::optional<SemaphorePermit> first = semaphore.TryAcquirePermit(2);
  std::optional<SemaphorePermit> second = semaphore.TryAcquirePermit(1);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(semaphore.TryAcquirePermit(3).has_value());
  EXPECT_EQ(first->permits(), 2u);
  {
    SemaphorePermit moved(std::move(*first));
    EXPECT_EQ(first->permits(), 0u);
    EXPECT_EQ(semaphore.available(), 2u);
    moved = std::move(*second);  // Gives the two back.
    EXPECT_EQ(semaphore.available(), 4u);
    SemaphorePermit& same = moved;
    moved = std::move(same);
    EXPECT_EQ(semaphore.available(), 4u);
  }
  EXPECT_EQ(semaphore.available(), 5u);
  SemaphorePermit empty;
  empty.Release();
  SemaphorePermit early = *semaphore.TryAcquirePermit(5);
  early.Release();
  early.Release();
  EXPECT_EQ(semaphore.available(), 5u);
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(SemaphoreDeathTest, TakesBackNoMoreThanAreOut) {
  Semaphore semaphore(3);
  ASSERT_TRUE(semaphore.TryAcquire(2));
  EXPECT_DEATH(semaphore.Release(3), "more permits of a Semaphore are released than are out");
  semaphore.Release(2);
}

TEST(SemaphoreDeathTest, HasAPermit) { EXPECT_DEATH(Semaphore(0), "at least one permit"); }

TEST(SemaphoreDeathTest, IsNotDestroyedWhilePermitsAreOut) {
  EXPECT_DEATH(
      {
        Semaphore semaphore(1);
        semaphore.TryAcquire();
      },
      "destroyed while permits are out");
}

TEST(SemaphoreDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto semaphore = std::make_unique<Semaphore>(1);
    TaskGroup group;
    group.Spawn([&] { return semaphore->Acquire(); });
    group.Spawn([&] { return semaphore->Acquire(); });
    WaitAllBlocked();
    semaphore.reset();
  }),
               "a Semaphore is destroyed while fibers wait");
}

TEST(SemaphoreDeathTest, AcquireIsForFibers) {
  Semaphore semaphore(1);
  EXPECT_DEATH((void)semaphore.Acquire(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
