// Every call that parks, under every way of being cancelled: one table instead of a test for each.
// Those of the channels: cancel_point_channels_test.cc.
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <vector>

#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/cancel_point_suite.h"
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

struct Row {
  const char* name;
  absl::Status (*park)(Never& never);
};

std::vector<CancelPoint> CancelPoints() {
  const Row rows[] = {
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
  std::vector<CancelPoint> points;
  for (const Row& row : rows) {
    points.push_back({row.name, [park = row.park] {
                        return [park, never = std::make_shared<Never>()] { return park(*never); };
                      }});
  }
  return points;
}

INSTANTIATE_TEST_SUITE_P(All, CancelPointTest, ::testing::ValuesIn(CancelPoints()),
                         NameOfCancelPoint());

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
