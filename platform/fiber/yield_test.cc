#include <gtest/gtest.h>

#include <string>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(YieldIfDue, OnSimulatedTimeEvery16thCallYields) {
  TestRuntime().Run([] {
    std::string trace;
    TaskGroup group;
    group.Spawn([&] {
      for (int i = 0; i < 40; ++i) trace += YieldIfDue() ? '|' : '.';
    });
    group.Spawn([&] { trace += 'b'; });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(trace, "...............b|...............|........");
  });
}

TEST(YieldIfDue, AFiberThatComputesLetsTheOthersOfItsShardRun) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    bool done = false;
    uint64_t work = 0;
    TaskGroup group;
    group.Spawn([&] {
      while (!done) {
        ++work;
        YieldIfDue();
      }
    });
    group.Spawn([&] {
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(weft::SleepFor(absl::Microseconds(100)).ok());
      done = true;
    });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_GT(work, 0u);
  });
}

TEST(YieldIfDue, DoesNothingWhileTheSliceLasts) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    // The system may take the thread away for longer than a slice, but not every time.
    bool not_due = false;
    for (int i = 0; i < 1000 && !not_due; ++i) {
      Yield();
      not_due = !YieldIfDue();
    }
    EXPECT_TRUE(not_due);
  });
}

TEST(YieldIfDue, IsNoCancelPoint) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel();
    int yields = 0;
    for (int i = 0; i < 32; ++i) yields += YieldIfDue();
    EXPECT_EQ(yields, 2);
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(YieldIfDueDeathTest, UseOffFibers) { EXPECT_DEATH(YieldIfDue(), "is for fibers"); }
#endif

}  // namespace
}  // namespace weft
