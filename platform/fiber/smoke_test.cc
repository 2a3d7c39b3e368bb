#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

TEST(Runtime, RunsAFunctionOnAFiber) {
  Runtime runtime({.shards = 1});
  EXPECT_FALSE(OnFiber());
  EXPECT_TRUE(runtime.Run([] { return OnFiber(); }));
}

TEST(TaskGroup, JoinsItsChildren) {
  Runtime runtime({.shards = 2});
  runtime.Run([] {
    TaskGroup group;
    auto a = group.Spawn([] { return 1; });
    auto b = group.Spawn([]() -> absl::StatusOr<std::string> {
      if (auto s = weft::SleepFor(absl::Milliseconds(5)); !s.ok()) return s;
      return "x";
    });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*a, 1);
    EXPECT_EQ(*b, "x");
  });
}

TEST(TaskGroup, FirstFailureCancelsSiblings) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    TaskGroup group;
    auto a = group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
    group.Spawn([]() -> absl::Status { throw std::runtime_error("boom"); });
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kInternal);
    EXPECT_EQ(a.status().code(), absl::StatusCode::kCancelled) << a.status();
  });
}

TEST(Channel, CarriesValuesBetweenFibers) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    Channel<int> channel(2);
    TaskGroup group;
    group.Spawn([&] {
      for (int i = 0; i < 1000; ++i) EXPECT_TRUE(channel.Send(i).ok());
      channel.Close();
    });
    int next = 0;
    while (auto v = channel.Receive()) EXPECT_EQ(*v, next++);
    EXPECT_EQ(next, 1000);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(CancelScope, DeadlineEndsASleep) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    CancelScope scope({.deadline = Now() + absl::Milliseconds(2)});
    EXPECT_EQ(weft::SleepFor(absl::Hours(1)).code(), absl::StatusCode::kDeadlineExceeded);
  });
}

TEST(BlockingPool, RunsOnAThread) {
  Runtime runtime({.shards = 1});
  BlockingPool pool({.threads = 2});
  runtime.Run([&] {
    auto r = pool.Run([] { return OnFiber(); });
    ASSERT_TRUE(r.ok());
    EXPECT_FALSE(*r);
  });
}

TEST(Runtime, ThousandsOfFibers) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    TaskGroup group;
    for (int i = 0; i < 10000; ++i)
      group.Spawn([] { return weft::SleepFor(absl::Milliseconds(10)); });
    EXPECT_TRUE(group.Wait().ok());
  });
}

}  // namespace
}  // namespace weft
