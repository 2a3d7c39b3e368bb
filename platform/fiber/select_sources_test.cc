// Events and futures as the cases of a Select.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "platform/fiber/channel.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/future.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(SelectEvent, FiresWhenItIsSet) {
  TestRuntime().Run([] {
    Event event;
    Channel<int> channel(0);
    bool called = false;
    const auto select = [&] {
      return *Select(Receive(channel), Wait(event, [&] { called = true; }),
                     After(absl::Seconds(1)));
    };
    EXPECT_EQ(select(), 2u);
    TaskGroup group;
    auto fired = group.Spawn(select);
    WaitAllBlocked();
    event.Set();
    event.Reset();  // Before the Select has run: it was let go all the same.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*fired, 1u);
    EXPECT_TRUE(called);
    event.Set();
    EXPECT_EQ(select(), 1u);
    EXPECT_EQ(select(), 1u);  // It stays set.
  });
}

TEST(SelectEvent, OneEventLetsAllGo) {
  TestRuntime().Run([] {
    Event event;
    Event other;
    int gone = 0;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Spawn([&] { return Select(Wait(other), Wait(event, [&] { ++gone; })).status(); });
      group.Spawn([&] { return event.Wait(); });
    }
    WaitAllBlocked();
    event.Set();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(gone, 3);
  });
}

TEST(SelectFuture, FiresWhenThePromiseIsSetAndUsesItUp) {
  TestRuntime().Run([] {
    Promise<std::unique_ptr<int>> promise;
    Future<std::unique_ptr<int>> future = promise.GetFuture();
    Promise<void> never;
    Future<void> other = never.GetFuture();
    int got = 0;
    TaskGroup group;
    auto fired = group.Spawn([&] {
      return Select(Get(other), Get(future, [&](absl::StatusOr<std::unique_ptr<int>> result) {
                      got = **result;
                    }));
    });
    WaitAllBlocked();
    promise.Set(std::make_unique<int>(7));
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*fired, 1u);
    EXPECT_EQ(got, 7);
    EXPECT_FALSE(future.valid());
    EXPECT_TRUE(other.valid());  // Still to be waited for.
    never.Set();
    EXPECT_TRUE(other.Get().ok());
  });
}

TEST(SelectFuture, AReadyOneFiresAtOnceAndErrorsAreItsResult) {
  TestRuntime().Run([] {
    Future<int> future = Promise<int>().GetFuture();  // Dropped.
    absl::Status status;
    EXPECT_EQ(*Select(Get(future, [&](absl::StatusOr<int> result) { status = result.status(); })),
              0u);
    EXPECT_TRUE(absl::IsInternal(status)) << status;
  });
}

TEST(SelectFuture, TheTimerLeavesItToBeAskedAgain) {
  TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    EXPECT_EQ(*Select(Get(future), After(absl::Seconds(1))), 1u);
    EXPECT_EQ(TrySelect(Get(future)), std::nullopt);
    promise.Set(3);
    EXPECT_EQ(*future.Get(), 3);
  });
}

TEST(SelectFuture, SetByAPlainThread) {
  TestRuntime runtime;
  const SimulatedClock::Hold hold(runtime.clock());
  Promise<int> promise;
  Future<int> future = promise.GetFuture();
  std::thread thread([&] { promise.Set(5); });
  runtime.Run([&] {
    Event never;
    int got = 0;
    EXPECT_EQ(*Select(Wait(never), Get(future, [&](absl::StatusOr<int> r) { got = *r; })), 1u);
    EXPECT_EQ(got, 5);
  });
  thread.join();
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(SelectFutureDeathTest, IsValidAndWaitedForOnce) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Future<int> none;
    (void)Select(Get(none));
  }),
               "no value to give any more");
  EXPECT_DEATH(TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    (void)Select(Get(future), Get(future));
  }),
               "two wait for one Future");
}

TEST(SelectEventDeathTest, OutlivesTheSelect) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto event = std::make_unique<Event>();
    TaskGroup group;
    group.Spawn([&] { return Select(Wait(*event)).status(); });
    WaitAllBlocked();
    event.reset();
  }),
               "an Event is destroyed while fibers wait");
}
#endif

}  // namespace
}  // namespace weft
