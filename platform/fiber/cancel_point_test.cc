// Every call that parks, under every way of being cancelled: one table instead of a test for each.
#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/internal/waiter.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

// What the parks wait for: none of it comes.
struct Never {
  Never() {
    EXPECT_TRUE(full.TrySend(0));
    group.Spawn([this] {
      std::lock_guard<Mutex> hold(taken);
      (void)release.Receive();
    });
    group.Spawn([this] { return pool.Run([this] { pool_free.Wait(); }); });
    WaitAllBlocked();
  }
  ~Never() {
    release.Close();
    pool_free.Notify();
    EXPECT_TRUE(group.Wait().ok());
  }
  Channel<int> empty{1};
  Channel<int> full{1};
  Channel<int> release{1};
  Mutex taken;
  internal::ThreadEvent pool_free;
  BlockingPool pool{{.threads = 1}};
  TaskGroup group;
};

struct CancelPoint {
  std::string name;
  std::function<absl::Status(Never&)> park;
};

std::vector<CancelPoint> CancelPoints() {
  return {
      {"SleepFor", [](Never&) { return weft::SleepFor(absl::Hours(1)); }},
      {"SleepUntil", [](Never&) { return weft::SleepUntil(absl::InfiniteFuture()); }},
      {"Send", [](Never& never) { return never.full.Send(1); }},
      {"SendWithDeadline",
       [](Never& never) { return never.full.Send(1, weft::Now() + absl::Hours(1)); }},
      {"Receive", [](Never& never) { return never.empty.ReceiveOr().status(); }},
      {"LockCancellable", [](Never& never) { return never.taken.LockCancellable(); }},
      {"ConditionWait",
       [](Never&) {
         Mutex mutex;
         ConditionVariable condition;
         std::lock_guard<Mutex> hold(mutex);
         return condition.Wait(mutex);
       }},
      {"BlockingPoolRun", [](Never& never) { return never.pool.Run([] {}); }},
  };
}

class CancelPointTest : public ::testing::TestWithParam<CancelPoint> {};

TEST_P(CancelPointTest, EndsWhenTheScopeIsCancelledDuringThePark) {
  TestRuntime().Run([this] {
    Never never;
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([&] { return GetParam().park(never); });
    WaitAllBlocked();
    group.Cancel(CancelCause::kDrain);
    const absl::Status status = group.Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_EQ(status.message().substr(0, 16), "cancelled: drain");
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(CancelPointTest, EndsAtOnceInACancelledScope) {
  TestRuntime().Run([this] {
    Never never;
    const absl::Time start = weft::Now();
    CancelScope scope;
    scope.Cancel(CancelCause::kClientGone);
    EXPECT_EQ(GetParam().park(never).code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(CancelPointTest, EndsAtTheScopesDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    Never never;
    const absl::Time start = weft::Now();
    TaskGroup group({.deadline = start + absl::Seconds(2)});
    group.Spawn([&] { return GetParam().park(never); });
    WaitAllBlocked();
    runtime.clock().Advance(absl::Seconds(2));  // By hand: a job runs, so it does not jump.
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
  });
}

TEST_P(CancelPointTest, EndsAtOnceAfterTheScopesDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    Never never;
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(2)});
    runtime.clock().Advance(absl::Seconds(3));
    const absl::Time start = weft::Now();
    EXPECT_EQ(GetParam().park(never).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(CancelPointTest, IsDeafBehindAShield) {
  TestRuntime().Run([this] {
    Never never;
    TaskGroup group;
    CancelScope* shield = nullptr;
    group.Spawn([&] {
      CancelScope scope({.shield = true});
      shield = &scope;
      return GetParam().park(never);
    });
    WaitAllBlocked();
    group.Cancel();
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 1u);
    shield->Cancel(CancelCause::kOverload);
    EXPECT_EQ(group.Wait().message().substr(0, 19), "cancelled: overload");
  });
}

INSTANTIATE_TEST_SUITE_P(All, CancelPointTest, ::testing::ValuesIn(CancelPoints()),
                         [](const auto& info) { return info.param.name; });

// --- Who wins a park: the first, exactly one ---------------------------------------------------

TEST(Waiter, TheFirstWakeDecides) {
  using internal::WakeReason;
  TestRuntime().Run([] {
    internal::Waiter waiter({.kind = "test"});
    EXPECT_TRUE(internal::Wake(waiter, WakeReason::kNotified));
    EXPECT_FALSE(internal::Wake(waiter, WakeReason::kCancelled));
    EXPECT_EQ(internal::Park(waiter), WakeReason::kNotified);
  });
}

TEST(Waiter, ANotificationBeforeTheParkBeatsTheCancelledScope) {
  using internal::WakeReason;
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel();
    internal::Waiter waiter({.kind = "test"});
    EXPECT_TRUE(internal::Wake(waiter));
    EXPECT_EQ(internal::Park(waiter), WakeReason::kNotified);
  });
}

// Notification, deadline and cancellation all become true in the same turn of the loop.
TEST(Waiter, NotificationDeadlineAndCancellationInOneTurn) {
  using internal::WakeReason;
  ForEachShuffle(20, [](uint64_t seed) {
    TestRuntime runtime({.shuffle_seed = seed});
    runtime.Run([&] {
      int notified = 0;
      int woken = 0;
      for (int i = 0; i < 30; ++i) {
        internal::Waiter* waiting = nullptr;
        TaskGroup group;
        group.Spawn([&] {
          CancelScope scope({.deadline = weft::Now() + absl::Seconds(1)});
          internal::Waiter waiter({.kind = "test"});
          waiting = &waiter;
          notified += internal::Park(waiter) == WakeReason::kNotified;
          waiting = nullptr;
        });
        WaitAllBlocked();
        runtime.clock().Advance(absl::Seconds(1));
        TaskGroup wakers;
        wakers.Spawn([&] {
          if (waiting != nullptr) woken += internal::Wake(*waiting);
        });
        wakers.Spawn([&] { group.Cancel(); });
        EXPECT_TRUE(wakers.Wait().ok());
        EXPECT_TRUE(group.Wait().ok());
      }
      EXPECT_EQ(notified, woken);
    });
  });
}

}  // namespace
}  // namespace weft
