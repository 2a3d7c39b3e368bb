#include "platform/fiber/fiber_local.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

// A process has few of them, so all tests share these.
FiberLocal<std::string> name;
FiberLocal<std::shared_ptr<int>> shared;

struct SetsTheNameWhenDestroyed {
  bool armed = false;
  ~SetsTheNameWhenDestroyed() {
    if (armed) name.Get() = "set by a destructor";
  }
};
FiberLocal<SetsTheNameWhenDestroyed> last_words;

TEST(FiberLocal, IsUnsetUntilFirstUse) {
  TestRuntime().Run([] {
    EXPECT_EQ(name.GetIfSet(), nullptr);
    EXPECT_EQ(name.Get(), "");
    name.Get() = "x";
    EXPECT_EQ(*name.GetIfSet(), "x");
    name.Clear();
    EXPECT_EQ(name.GetIfSet(), nullptr);
  });
}

TEST(FiberLocal, StaysWithItsFiberAcrossParks) {
  TestRuntime().Run([] {
    TaskGroup group;
    for (int i = 0; i < 5; ++i) {
      group.Spawn([i] {
        name.Get() = std::to_string(i);
        for (int turn = 0; turn < 3; ++turn) {
          Yield();
          EXPECT_TRUE(weft::SleepFor(absl::Seconds(i)).ok());
          EXPECT_EQ(name.Get(), std::to_string(i));
        }
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(name.GetIfSet(), nullptr);
  });
}

TEST(FiberLocal, AChildStartsWithACopy) {
  TestRuntime().Run([] {
    name.Get() = "parent";
    TaskGroup group;
    group.Spawn([] {
      EXPECT_EQ(name.Get(), "parent");
      name.Get() = "child";
      TaskGroup inner;
      inner.Spawn([] { EXPECT_EQ(name.Get(), "child"); });
      EXPECT_TRUE(inner.Wait().ok());
    });
    name.Get() = "changed after Spawn";  // The copy was made by Spawn.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(name.Get(), "changed after Spawn");
  });
}

TEST(FiberLocal, IsClearedBeforeThePooledFiberRunsTheNextTask) {
  TestRuntime runtime;
  std::weak_ptr<int> value;
  runtime.Run([&] {
    name.Get() = "first";
    shared.Get() = std::make_shared<int>(1);
    value = shared.Get();
  });
  EXPECT_TRUE(value.expired());
  runtime.Run([] {
    EXPECT_EQ(name.GetIfSet(), nullptr);
    EXPECT_EQ(shared.GetIfSet(), nullptr);
  });
}

TEST(FiberLocal, WhatADestructorSetsDoesNotReachTheNextTask) {
  TestRuntime runtime;
  runtime.Run([] { last_words.Get().armed = true; });
  runtime.Run([] { EXPECT_EQ(name.GetIfSet(), nullptr); });
}

TEST(FiberLocal, OffFibersEachThreadHasItsOwn) {
  name.Get() = "main thread";
  std::thread([] { EXPECT_EQ(name.GetIfSet(), nullptr); }).join();
  TestRuntime().Run([] { EXPECT_EQ(name.GetIfSet(), nullptr); });
  EXPECT_EQ(name.Get(), "main thread");
  name.Clear();
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(FiberLocalDeathTest, ThereAreFew) {
  EXPECT_DEATH(
      {
        FiberLocal<int> fourth;
        FiberLocal<int> fifth;
      },
      "raise kMaxFiberLocals");
}
#endif

}  // namespace
}  // namespace weft
