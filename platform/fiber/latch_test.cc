#include "platform/fiber/latch.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Latch, OpensAfterTheLastArrivalAndStaysOpen) {
  TestRuntime().Run([] {
    Latch latch(3);
    TaskGroup group;
    for (int i = 0; i < 4; ++i) group.Spawn([&] { return latch.Wait(); });
    WaitAllBlocked();
    latch.CountDown(2);
    latch.CountDown(0);
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 4u);
    EXPECT_FALSE(latch.TryWait());
    latch.CountDown();
    EXPECT_TRUE(latch.TryWait());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(latch.Wait().ok());
  });
}

TEST(Latch, OfNothingIsOpen) {
  TestRuntime().Run([] {
    Latch latch(0);
    EXPECT_TRUE(latch.TryWait());
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(latch.Wait(absl::InfinitePast()).ok());
  });
}

TEST(Latch, ArriveAndWaitMeets) {
  TestRuntime().Run([] {
    Latch latch(3);
    int arrived = 0;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Spawn([&, i]() -> absl::Status {
        if (absl::Status s = weft::SleepFor(absl::Seconds(i)); !s.ok()) return s;
        ++arrived;
        const absl::Status status = latch.ArriveAndWait();
        EXPECT_EQ(arrived, 3);
        return status;
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Latch, AnArrivalCountsAlthoughItsWaitFails) {
  TestRuntime().Run([] {
    Latch latch(2);
    const absl::Time start = weft::Now();
    EXPECT_EQ(latch.ArriveAndWait(start + absl::Seconds(1)),
              absl::DeadlineExceededError("the deadline passed while waiting for a latch"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(latch.Wait().code(), absl::StatusCode::kCancelled);
    latch.CountDown();
    EXPECT_TRUE(latch.Wait().ok());
  });
}

// The last arrival and a cancellation in the same turn, in both orders.
TEST(Latch, OpenedAndCancelledInOneTurn) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Latch latch(1);
      TaskGroup doomed;
      doomed.Spawn([&] { return latch.Wait(); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      latch.CountDown();
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
    });
  }
}

// The waiter's stack frame, with the latch, ends while the thread is still in CountDown().
TEST(Latch, MayBeDestroyedByAWaiterThatAThreadLetGo) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    for (int i = 0; i < 200; ++i) {
      auto latch = std::make_unique<Latch>(1);
      std::thread thread([opened = latch.get()] { opened->CountDown(); });
      EXPECT_TRUE(latch->Wait().ok());
      latch.reset();
      thread.join();
    }
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(LatchDeathTest, TakesNoMoreArrivalsThanItWasMadeFor) {
  Latch latch(2);
  latch.CountDown();
  EXPECT_DEATH(latch.CountDown(2), "more arrive at a Latch than it was made for");
}

TEST(LatchDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto latch = std::make_unique<Latch>(1);
    TaskGroup group;
    group.Spawn([&] { return latch->Wait(); });
    WaitAllBlocked();
    latch.reset();
  }),
               "a Latch is destroyed while fibers wait");
}

TEST(LatchDeathTest, WaitIsForFibers) {
  Latch latch(0);
  EXPECT_DEATH((void)latch.Wait(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
