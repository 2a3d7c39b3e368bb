#include "platform/fiber/cancel_scope.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(CancelScope, FreshScopeIsOk) {
  TestRuntime().Run([] {
    CancelScope scope;
    EXPECT_FALSE(scope.cancelled());
    EXPECT_EQ(scope.cause(), CancelCause::kNone);
    EXPECT_TRUE(scope.status().ok());
    EXPECT_EQ(scope.deadline(), absl::InfiniteFuture());
    EXPECT_EQ(CancelScope::Current(), &scope);
  });
}

TEST(CancelScope, CurrentFollowsTheNesting) {
  EXPECT_EQ(CancelScope::Current(), nullptr);
  TestRuntime().Run([] {
    EXPECT_EQ(CancelScope::Current(), nullptr);
    CancelScope outer;
    {
      CancelScope inner;
      EXPECT_EQ(CancelScope::Current(), &inner);
    }
    EXPECT_EQ(CancelScope::Current(), &outer);
  });
}

TEST(CancelScope, TheFirstCauseWins) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel(CancelCause::kOverload, "queue full");
    scope.Cancel(CancelCause::kDrain);
    EXPECT_EQ(scope.cause(), CancelCause::kOverload);
    EXPECT_EQ(scope.status(), absl::CancelledError("cancelled: overload: queue full"));
  });
}

TEST(CancelScope, TheDeadlineEndsASleepOnTime) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Milliseconds(50)});
    EXPECT_EQ(weft::SleepFor(absl::Hours(1)).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Milliseconds(50));
    EXPECT_EQ(scope.cause(), CancelCause::kDeadline);
  });
}

TEST(CancelScope, APassedDeadlineShowsWithoutAPark) {
  TestRuntime runtime;
  runtime.Run([&] {
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(1)});
    EXPECT_FALSE(scope.cancelled());
    runtime.clock().Advance(absl::Seconds(1));
    EXPECT_TRUE(scope.cancelled());
    EXPECT_EQ(scope.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(weft::SleepFor(absl::ZeroDuration()).ok());
  });
}

TEST(CancelScope, ALaterCancelDoesNotHideThePassedDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(1)});
    runtime.clock().Advance(absl::Seconds(2));
    scope.Cancel(CancelCause::kByHand);
    EXPECT_EQ(scope.cause(), CancelCause::kDeadline);
    EXPECT_EQ(scope.status().code(), absl::StatusCode::kDeadlineExceeded);
  });
}

TEST(CancelScope, TheEarlierOfNestedDeadlinesHolds) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope outer({.deadline = start + absl::Seconds(2)});
    {
      CancelScope later({.deadline = start + absl::Seconds(9)});
      EXPECT_EQ(later.deadline(), start + absl::Seconds(2));
      CancelScope earlier({.deadline = start + absl::Seconds(1)});
      EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
      EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
      EXPECT_TRUE(earlier.cancelled());
      EXPECT_FALSE(later.cancelled());
    }
    EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(500)).ok());
    EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
  });
}

TEST(CancelScope, AnInnerCancelDoesNotLeaveItsScope) {
  TestRuntime().Run([] {
    CancelScope outer;
    {
      CancelScope inner;
      inner.Cancel();
      EXPECT_FALSE(weft::SleepFor(absl::Seconds(1)).ok());
    }
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
  });
}

TEST(CancelScope, EveryLaterCancelPointInsideReportsIt) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel(CancelCause::kDrain);
    const absl::Time start = weft::Now();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(weft::SleepFor(absl::Seconds(1)).code(), absl::StatusCode::kCancelled);
    }
    CancelScope nested;
    EXPECT_EQ(nested.cause(), CancelCause::kDrain);
    EXPECT_FALSE(weft::SleepFor(absl::Seconds(1)).ok());
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST(CancelScope, ShieldHidesCancellationAndDeadlineAroundIt) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope outer({.deadline = start + absl::Seconds(1)});
    outer.Cancel();
    {
      CancelScope shield({.shield = true});
      EXPECT_FALSE(shield.cancelled());
      EXPECT_EQ(shield.deadline(), absl::InfiniteFuture());
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(5)).ok());
      CancelScope inside;
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(5)).ok());
    }
    EXPECT_EQ(weft::Now() - start, absl::Seconds(10));
    EXPECT_FALSE(weft::SleepFor(absl::Seconds(1)).ok());
  });
}

TEST(CancelScope, ShieldHasADeadlineOfItsOwn) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope outer({.deadline = start + absl::Seconds(1)});
    CancelScope shield({.deadline = start + absl::Seconds(3), .shield = true});
    EXPECT_EQ(weft::SleepFor(absl::Hours(1)).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
  });
}

TEST(CancelScope, ACancelWhileTheFiberIsShieldedIsSeenAfterwards) {
  TestRuntime().Run([] {
    TaskGroup group;
    auto child = group.Spawn([] {
      {
        CancelScope shield({.shield = true});
        EXPECT_TRUE(weft::SleepFor(absl::Seconds(5)).ok());
      }
      return weft::SleepFor(absl::Seconds(5));
    });
    WaitAllBlocked();
    group.Cancel();
    EXPECT_FALSE(group.Wait().ok());
    EXPECT_EQ(child.status().code(), absl::StatusCode::kCancelled);
  });
}

TEST(CancelScope, CancelWakesTheWholeTree) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      int woken = 0;
      TaskGroup group;
      for (int i = 0; i < 5; ++i) {
        group.Spawn([&] {
          CancelScope own;
          TaskGroup children;
          for (int j = 0; j < 4; ++j) {
            children.Spawn([&] { woken += !weft::SleepFor(absl::Hours(1)).ok(); });
          }
          woken += !weft::SleepFor(absl::Hours(1)).ok();
        });
      }
      WaitAllBlocked();
      const absl::Time cancelled_at = weft::Now();
      group.Cancel();
      EXPECT_TRUE(group.Wait().ok());  // The children return nothing.
      EXPECT_EQ(woken, 25);
      EXPECT_EQ(weft::Now(), cancelled_at);
    });
  });
}

// Fibers that leave scopes which others on the same list are still waiting in.
TEST(CancelScope, ScopesComeAndGoInAnyOrder) {
  ForEachShuffle(20, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      CancelScope root;
      TaskGroup group;
      for (int i = 0; i < 30; ++i) {
        group.Spawn([i] {
          for (int turn = 0; turn < 10; ++turn) {
            const absl::Time now = weft::Now();
            CancelScope scope({.deadline = now + absl::Milliseconds((i * 7 + turn) % 5)});
            std::optional<CancelScope> inner;
            if (turn % 2 == 0) inner.emplace();
            weft::SleepFor(absl::Milliseconds((i + turn * 3) % 5)).IgnoreError();
          }
        });
      }
      EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(12)).ok());
      root.Cancel();
      EXPECT_TRUE(group.Wait().ok());
    });
  });
}

// A call of the rpc server: started on the loop, cancelled from the loop.
class SleepingCall final : public internal::FiberBody {
 public:
  explicit SleepingCall(int64_t deadline_nanos) : scope(deadline_nanos) {}
  void Run() override { slept = weft::SleepFor(absl::Hours(1)); }
  void Finished() override { finished = true; }

  internal::RootScope scope;
  absl::Status slept;
  bool finished = false;
};

TEST(RootScope, IsCancelledFromTheLoop) {
  TestRuntime runtime;
  // While this thread is at work all fibers wait: the hour must not pass meanwhile.
  SimulatedClock::Hold hold(runtime.clock());
  SleepingCall call(kNeverNanos);
  runtime.runtime().Post(
      0, [&] { ASSERT_TRUE(internal::StartFiber(call, {.name = "call", .scope = &call.scope})); });
  runtime.Run([] { Yield(); });
  runtime.runtime().Post(0, [&] { call.scope.Cancel(CancelCause::kClientGone); });
  runtime.Run([&] {
    while (!call.finished) Yield();
    EXPECT_EQ(call.slept.message(), "cancelled: client gone (while sleeping)");
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(CancelScopeDeathTest, IsEnteredOnAFiber) {
  EXPECT_DEATH(CancelScope(), "a CancelScope is entered on a fiber");
}

TEST(CancelScopeDeathTest, IsLeftInReverseOrder) {
  EXPECT_DEATH(TestRuntime().Run([] {
    std::optional<CancelScope> first(std::in_place);
    CancelScope second({.shield = true});
    first.reset();
  }),
               "reverse order");
}

TEST(CancelScopeDeathTest, IsCancelledOnItsOwnShard) {
  EXPECT_DEATH(TestRuntime().Run([] {
    CancelScope scope;
    std::thread([&] { scope.Cancel(); }).join();
  }),
               "cancelled on the shard of the fiber that made it");
}
#endif

}  // namespace
}  // namespace weft
