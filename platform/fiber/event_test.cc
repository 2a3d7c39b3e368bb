#include "platform/fiber/event.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Event, SetLetsAllGoAndStaysSet) {
  TestRuntime().Run([] {
    Event event;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) group.Spawn([&] { return event.Wait(); });
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 3u);
    EXPECT_FALSE(event.IsSet());
    event.Set();
    event.Set();
    EXPECT_TRUE(event.IsSet());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(event.Wait().ok());
  });
}

TEST(Event, ResetMakesLaterOnesWait) {
  TestRuntime().Run([] {
    Event event;
    event.Set();
    event.Reset();
    event.Reset();
    EXPECT_FALSE(event.IsSet());
    TaskGroup group;
    group.Spawn([&] { return event.Wait(); });
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 1u);
    event.Set();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Event, ResetBeforeTheyHaveRunDoesNotHoldBackWhomSetLetGo) {
  TestRuntime().Run([] {
    Event event;
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return event.Wait(); });
    WaitAllBlocked();
    event.Set();
    event.Reset();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_FALSE(event.IsSet());
  });
}

TEST(Event, DeadlineAndCancellationEndTheWait) {
  TestRuntime().Run([] {
    Event event;
    const absl::Time start = weft::Now();
    EXPECT_EQ(event.Wait(start + absl::Seconds(1)),
              absl::DeadlineExceededError("the deadline passed while waiting for an event"));
    EXPECT_EQ(event.Wait(start).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(event.Wait().code(), absl::StatusCode::kCancelled);
    event.Set();
    EXPECT_TRUE(event.Wait(start).ok());
  });
}

TEST(Event, SetAndCancelledInOneTurn) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Event event;
      TaskGroup doomed;
      doomed.Spawn([&] { return event.Wait(); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      event.Set();
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
    });
  }
}

// The event ends while the thread is still in Set(), whether the waiter parked or not.
TEST(Event, MayBeDestroyedByAWaiterThatAThreadLetGo) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    for (int i = 0; i < 200; ++i) {
      auto event = std::make_unique<Event>();
      int written = 0;
      std::thread thread([&written, set = event.get()] {
        written = 7;
        set->Set();
      });
      while (i % 2 == 0 && !event->IsSet()) std::this_thread::yield();
      EXPECT_TRUE(event->Wait().ok());
      EXPECT_EQ(written, 7);
      event.reset();
      thread.join();
    }
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(EventDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto event = std::make_unique<Event>();
    TaskGroup group;
    group.Spawn([&] { return event->Wait(); });
    WaitAllBlocked();
    event.reset();
  }),
               "an Event is destroyed while fibers wait");
}

TEST(EventDeathTest, WaitIsForFibers) {
  Event event;
  EXPECT_DEATH((void)event.Wait(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
