// Semaphores, shared mutexes, latches, barriers, events, CallOnce, futures, tickers and rate
// limiters: which of their calls are cancel points, which are not, and what the fiber dump says of
// those who wait.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/fiber/barrier.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/cancel_point_suite.h"
#include "platform/fiber/event.h"
#include "platform/fiber/future.h"
#include "platform/fiber/latch.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/once.h"
#include "platform/fiber/rate_limiter.h"
#include "platform/fiber/semaphore.h"
#include "platform/fiber/shared_mutex.h"
#include "platform/fiber/ticker.h"

namespace weft {
namespace {

// What the parks wait for: none of it comes. A fiber of its own holds the locks, until the end.
struct Never {
  Never() {
    EXPECT_TRUE(drained.TryAcquire());
    EXPECT_TRUE(exhausted.TryAcquire());
    holder.Spawn("holder", [this] {
      mutex.Lock();
      written.Lock();
      read.LockShared();
      const absl::Status done = CallOnce(once, [this] { return end.Wait(); });
      read.UnlockShared();
      written.Unlock();
      mutex.Unlock();
      return done;
    });
    WaitAllBlocked();
  }
  ~Never() {
    end.Set();
    EXPECT_TRUE(holder.Wait().ok());
    drained.Release();
  }
  Semaphore drained{1};
  RateLimiter exhausted{{.rate_per_second = 1e-9}};
  Mutex mutex;
  SharedMutex written;
  SharedMutex read;
  Once once;
  Latch latch{1};
  Barrier barrier{2};
  Event event;
  Promise<int> promise;
  Future<int> future = promise.GetFuture();
  Ticker ticker{{.period = absl::InfiniteDuration()}};
  Event end;
  TaskGroup holder;
};

struct Row {
  const char* name;
  absl::Status (*park)(Never& never);
  const char* waits_for;
};

absl::Time InAnHour() { return weft::Now() + absl::Hours(1); }

const Row kCancelPoints[] = {
    {"Acquire", [](Never& never) { return never.drained.Acquire(); }, "semaphore"},
    {"AcquireWithDeadline", [](Never& never) { return never.drained.Acquire(1, InAnHour()); },
     "semaphore"},
    {"AcquirePermit", [](Never& never) { return never.drained.AcquirePermit().status(); },
     "semaphore"},
    {"LockWithDeadline", [](Never& never) { return never.mutex.LockCancellable(InAnHour()); },
     "mutex"},
    {"LockToWrite", [](Never& never) { return never.read.LockCancellable(); },
     "shared mutex (write)"},
    {"LockToRead", [](Never& never) { return never.written.LockSharedCancellable(InAnHour()); },
     "shared mutex (read)"},
    {"LatchWait", [](Never& never) { return never.latch.Wait(); }, "latch"},
    {"BarrierArriveAndWait", [](Never& never) { return never.barrier.ArriveAndWait(); }, "barrier"},
    {"EventWait", [](Never& never) { return never.event.Wait(InAnHour()); }, "event"},
    {"CallOnce", [](Never& never) { return CallOnce(never.once, [] {}); }, "once"},
    {"FutureGet", [](Never& never) { return never.future.Get().status(); }, "future"},
    {"TickerWait", [](Never& never) { return never.ticker.Wait(); }, "ticker"},
};

std::vector<CancelPoint> CancelPoints() {
  std::vector<CancelPoint> points;
  for (const Row& row : kCancelPoints) {
    points.push_back({row.name, [park = row.park] {
                        return [park, never = std::make_shared<Never>()] { return park(*never); };
                      }});
  }
  return points;
}

INSTANTIATE_TEST_SUITE_P(Sync, CancelPointTest, ::testing::ValuesIn(CancelPoints()),
                         NameOfCancelPoint());

// Like the others, but that it does not wait for a deadline that is sure to come first.
TEST(RateLimiterCancelPoint, EndsWithTheScopeButRefusesADeadlineAtOnce) {
  TestRuntime runtime;
  runtime.Run([&] {
    Never never;
    const absl::Time start = weft::Now();
    TaskGroup group;
    for (int i = 0; i < 2; ++i) {  // The head of the line and one behind it.
      group.Spawn([&] {
        const absl::Status status = never.exhausted.Acquire();
        EXPECT_EQ(status.message().substr(0, 16), "cancelled: drain");
        return status;
      });
    }
    WaitAllBlocked();
    group.Cancel(CancelCause::kDrain);
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kCancelled);
    {
      CancelScope scope;
      scope.Cancel(CancelCause::kClientGone);
      EXPECT_EQ(never.exhausted.Acquire().code(), absl::StatusCode::kCancelled);
    }
    {
      CancelScope scope({.deadline = start + absl::Seconds(2)});
      EXPECT_EQ(never.exhausted.Acquire().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(weft::Now(), start);
      runtime.clock().Advance(absl::Seconds(3));
      EXPECT_EQ(never.exhausted.Acquire().code(), absl::StatusCode::kDeadlineExceeded);
    }
  });
}

// Calls that find what they need do not park, and so do not look at the scope.
TEST(NoCancelPoint, WhatIsAtHandIsTakenInACancelledScope) {
  TestRuntime().Run([] {
    Semaphore semaphore(1);
    RateLimiter limiter({.rate_per_second = 1});
    Mutex mutex;
    SharedMutex shared_mutex;
    Latch latch(1);
    Barrier barrier(1);
    Event event;
    Once once;
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(semaphore.Acquire().ok());
    semaphore.Release();
    EXPECT_TRUE(limiter.Acquire().ok());
    EXPECT_TRUE(mutex.LockCancellable().ok());
    mutex.Unlock();
    EXPECT_TRUE(shared_mutex.LockCancellable().ok());
    shared_mutex.Unlock();
    EXPECT_TRUE(shared_mutex.LockSharedCancellable().ok());
    shared_mutex.UnlockShared();
    EXPECT_TRUE(latch.ArriveAndWait().ok());
    EXPECT_TRUE(barrier.ArriveAndWait().ok());
    event.Set();
    EXPECT_TRUE(event.Wait().ok());
    EXPECT_TRUE(CallOnce(once, [] {}).ok());
    EXPECT_TRUE(CallOnce(once, [] {}).ok());
    promise.Set(1);
    EXPECT_TRUE(future.Get().ok());
  });
}

// A ticker is the exception, as its loop must end.
TEST(CancelPoint, ATickThatIsDueIsNotTakenInACancelledScope) {
  TestRuntime runtime;
  runtime.Run([&] {
    Ticker ticker({.period = absl::Seconds(1)});
    runtime.clock().Advance(absl::Seconds(1));
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(ticker.Wait().code(), absl::StatusCode::kCancelled);
  });
}

// These park too, but always succeed.
TEST(NoCancelPoint, LocksAreTakenInACancelledScope) {
  TestRuntime().Run([] {
    Mutex mutex;
    SharedMutex shared_mutex;
    mutex.Lock();
    shared_mutex.Lock();
    TaskGroup group;
    int locked = 0;
    group.Spawn([&] {
      mutex.Lock();
      ++locked;
      mutex.Unlock();
    });
    group.Spawn([&] {
      shared_mutex.LockShared();
      ++locked;
      shared_mutex.UnlockShared();
    });
    group.Spawn([&] {
      shared_mutex.Lock();
      ++locked;
      shared_mutex.Unlock();
    });
    group.Cancel();
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 3u);
    EXPECT_EQ(locked, 0);
    mutex.Unlock();
    shared_mutex.Unlock();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(locked, 3);
  });
}

// --- What the dump says --------------------------------------------------------------------------

TEST(WaitInfo, NamesWhatAFiberWaitsForAndWhoHoldsIt) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    BlockingPool pool({.threads = 1});
    Never never;
    TaskGroup group;
    std::map<std::string, std::string> expected;
    for (const Row& row : kCancelPoints) {
      expected[row.name] = row.waits_for;
      group.Spawn(row.name, [&never, &row] { return row.park(never); });
    }
    for (const char* name : {"head", "behind"}) {
      expected[name] = "rate limiter";
      group.Spawn(name, [&] { return never.exhausted.Acquire(); });
    }
    WaitAllBlocked();
    const auto fibers = pool.Run([&] { return runtime.runtime().Fibers({}); });
    ASSERT_TRUE(fibers.ok());
    uint64_t holder = 0;
    std::map<std::string, std::string> waits_for;
    std::map<std::string, uint64_t> owners;
    for (const FiberInfo& fiber : *fibers) {
      if (fiber.name == "holder") holder = fiber.id;
      if (expected.count(fiber.name) == 0) continue;
      waits_for[fiber.name] = fiber.waits_for;
      EXPECT_NE(fiber.object_id, 0u) << fiber.name;
      if (fiber.owner_id != 0) owners[fiber.name] = fiber.owner_id;
    }
    EXPECT_EQ(waits_for, expected);
    EXPECT_EQ(owners,
              (std::map<std::string, uint64_t>{
                  {"LockWithDeadline", holder}, {"LockToRead", holder}, {"CallOnce", holder}}));
    group.Cancel();
    EXPECT_FALSE(group.Wait().ok());
  });
}

}  // namespace
}  // namespace weft
