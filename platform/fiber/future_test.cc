#include "platform/fiber/future.h"

#include <gtest/gtest.h>

#include <functional>
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

constexpr char kDropped[] =
    "the promise was dropped: who should have set it ended without calling back";

TEST(Future, GetsWhatAThreadSets) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    Promise<std::unique_ptr<std::string>> promise;
    auto future = promise.GetFuture();
    EXPECT_FALSE(future.Ready());
    std::thread thread([promise = std::move(promise)]() mutable {
      promise.Set(std::make_unique<std::string>("row"));
    });
    const auto value = future.Get();
    thread.join();
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(**value, "row");
    EXPECT_FALSE(future.valid());
  });
}

TEST(Future, GetsAtOnceWhatWasSetBefore) {
  TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    promise.Set(7);
    EXPECT_TRUE(future.Ready());
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(*future.Get(absl::InfinitePast()), 7);
  });
}

TEST(Future, GetsTheError) {
  TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    promise.Set(absl::UnavailableError("down"));
    EXPECT_EQ(future.Get().status(), absl::UnavailableError("down"));
  });
}

TEST(Future, OfNothingGetsAStatus) {
  TestRuntime().Run([] {
    Promise<void> good;
    Promise<void> bad;
    Future<void> good_future = good.GetFuture();
    Future<void> bad_future = bad.GetFuture();
    good.Set();
    bad.Set(absl::UnavailableError("down"));
    absl::Status status = good_future.Get();
    EXPECT_TRUE(status.ok());
    status = bad_future.Get();
    EXPECT_EQ(status, absl::UnavailableError("down"));
  });
}

TEST(Future, GetsAnErrorWhenThePromiseIsDropped) {
  TestRuntime().Run([] {
    auto promise = std::make_unique<Promise<int>>();
    Future<int> future = promise->GetFuture();
    TaskGroup group;
    group.Spawn([&] { EXPECT_EQ(future.Get().status(), absl::InternalError(kDropped)); });
    WaitAllBlocked();
    std::thread([&] { promise.reset(); }).join();
    EXPECT_TRUE(group.Wait().ok());

    Promise<void> replaced;
    Future<void> old = replaced.GetFuture();
    replaced = Promise<void>();
    EXPECT_EQ(old.Get(), absl::InternalError(kDropped));
  });
}

// A library that keeps callbacks in std::function, and may drop them without a call.
TEST(Future, BridgesACopyableCallback) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    auto promise = std::make_shared<Promise<int>>();
    Future<int> future = promise->GetFuture();
    std::function<void(int)> callback = [promise](int value) { promise->Set(value); };
    promise.reset();
    std::thread thread([callback = std::move(callback)] { callback(3); });
    EXPECT_EQ(*future.Get(), 3);
    thread.join();
  });
}

TEST(Future, IsStillValidAfterADeadlineOrACancellation) {
  TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    const absl::Time start = weft::Now();
    EXPECT_EQ(future.Get(start + absl::Seconds(1)).status(),
              absl::DeadlineExceededError("the deadline passed while waiting for a future"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    {
      CancelScope scope;
      scope.Cancel();
      EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kCancelled);
    }
    EXPECT_TRUE(future.valid());
    promise.Set(5);
    EXPECT_EQ(*future.Get(), 5);
  });
}

// A value and a cancellation in one turn: a value that is there when the fiber looks is returned.
TEST(Future, AValueIsNotLostToACancellation) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Promise<int> promise;
      Future<int> future = promise.GetFuture();
      TaskGroup doomed;
      auto got = doomed.Spawn([&] { return future.Get(); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      promise.Set(7);
      if (!cancel_first) doomed.Cancel();
      EXPECT_TRUE(doomed.Wait().ok());
      EXPECT_EQ(*got, 7);
    });
  }
}

TEST(Future, MayBeDroppedBeforeThePromiseIsSet) {
  auto kept = std::make_shared<int>(1);
  Promise<std::shared_ptr<int>> promise;
  promise.GetFuture();
  promise.Set(kept);
  EXPECT_EQ(kept.use_count(), 2);
  { Promise<std::shared_ptr<int>> ends_here(std::move(promise)); }
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(Future, MovesToAnotherFiber) {
  TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future;
    EXPECT_FALSE(future.valid());
    future = promise.GetFuture();
    TaskGroup group;
    auto got = group.Spawn([future = std::move(future)]() mutable { return future.Get(); });
    WaitAllBlocked();
    promise.Set(2);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*got, 2);
  });
}

TEST(Future, BlockingGetIsForPlainThreads) {
  Promise<int> promise;
  Future<int> future = promise.GetFuture();
  Runtime runtime({.shards = 1});
  runtime.Post(0, [&] { promise.Set(4); });
  EXPECT_EQ(*future.BlockingGet(), 4);

  Promise<void> early;
  Future<void> early_future = early.GetFuture();
  early.Set();
  EXPECT_TRUE(early_future.BlockingGet().ok());
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(PromiseDeathTest, IsSetOnce) {
  Promise<int> promise;
  Future<int> future = promise.GetFuture();
  promise.Set(1);
  EXPECT_DEATH(promise.Set(absl::UnavailableError("down")), "a Promise is set twice");
}

TEST(PromiseDeathTest, HasOneFuture) {
  Promise<int> promise;
  Future<int> future = promise.GetFuture();
  EXPECT_DEATH(promise.GetFuture(), "a Promise has one Future");
}

TEST(PromiseDeathTest, MovedFromIsNotSet) {
  Promise<int> promise;
  Promise<int> other(std::move(promise));
  EXPECT_DEATH(promise.Set(1), "moved from");
}

TEST(FutureDeathTest, GivesItsValueOnce) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    promise.Set(1);
    (void)future.Get();
    (void)future.Get();
  }),
               "has no value to give any more");
}

TEST(FutureDeathTest, IsReadByOneFiberAtATime) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Promise<int> promise;
    Future<int> future = promise.GetFuture();
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return future.Get(); });
    (void)group.Wait();
  }),
               "two wait for one Future");
}

TEST(FutureDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Promise<int> promise;
    std::optional<Future<int>> future = promise.GetFuture();
    TaskGroup group;
    group.Spawn([&] { return future->Get(); });
    WaitAllBlocked();
    future.reset();
  }),
               "a Future is destroyed while it is waited for");
}

TEST(FutureDeathTest, BlockingGetIsNotForFibers) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Promise<int> promise;
    (void)promise.GetFuture().BlockingGet();
  }),
               "would stop all fibers of this shard");
}

TEST(FutureDeathTest, GetIsForFibers) {
  Promise<int> promise;
  Future<int> future = promise.GetFuture();
  EXPECT_DEATH((void)future.Get(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
