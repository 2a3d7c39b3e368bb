// Who lives how long: children, their handles, what they captured and returned; and what misuse of
// a group says before it ends the process.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace {

std::atomic<int64_t> blocks_allocated{0};
std::atomic<int64_t> blocks_live{0};

}  // namespace

// Counted, to see what is kept and what is free of allocations.
void* operator new(size_t size) {
  void* const block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  ++blocks_allocated;
  ++blocks_live;
  return block;
}
void operator delete(void* block) noexcept {
  if (block != nullptr) --blocks_live;
  std::free(block);
}
void operator delete(void* block, size_t) noexcept { operator delete(block); }

namespace weft {
namespace {

// --- Memory ------------------------------------------------------------------------------------

TEST(TaskGroupMemory, AGroupThatSpawnsForEverDoesNotGrow) {
  TestRuntime().Run([] {
    TaskGroup group;
    const auto spawn_and_end = [&group](int times) {
      for (int i = 0; i < times; ++i) {
        group.Spawn("connection", [i] { return std::string(100, static_cast<char>(i)); });
        Yield();
      }
      EXPECT_EQ(group.running(), 0u);
    };
    spawn_and_end(10);
    const int64_t before = blocks_live;
    spawn_and_end(10'000);
    EXPECT_EQ(blocks_live, before);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(TaskGroupMemory, AChildIsOneAllocationAndScopesAndGroupsAreNone) {
  TestRuntime().Run([] {
    const auto once = [] {
      CancelScope scope({.deadline = weft::Now() + absl::Seconds(1), .name = "outer"});
      TaskGroup group({.deadline = weft::Now() + absl::Seconds(2), .name = "inner"});
      group.Spawn([] { return weft::SleepFor(absl::Milliseconds(1)); });
      EXPECT_TRUE(group.Wait().ok());
    };
    once();  // Warms up the fiber and the timers.
    const int64_t before = blocks_allocated;
    once();
    EXPECT_EQ(blocks_allocated - before, 1);
  });
}

TEST(TaskGroupMemory, WhatAChildCapturedGoesWhenItEnds) {
  TestRuntime().Run([] {
    const auto captured = std::make_shared<int>(1);
    TaskGroup group;
    Task<int> kept = group.Spawn([captured] { return *captured; });
    Task<void> thrown = group.Spawn([captured] {
      if (*captured == 1) return;
      throw *captured;
    });
    EXPECT_EQ(captured.use_count(), 3);
    Yield();
    EXPECT_EQ(captured.use_count(), 1);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*kept, 1);
  });
}

TEST(TaskGroupMemory, WhatAChildCapturedGoesWhenItCouldNotBeStarted) {
  TestRuntime({.max_fibers_per_shard = 1}).Run([] {
    const auto captured = std::make_shared<int>(1);
    TaskGroup group;
    group.Spawn([captured] {});
    EXPECT_EQ(captured.use_count(), 1);
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kResourceExhausted);
  });
}

// --- Handles -----------------------------------------------------------------------------------

TEST(Task, OutlivesItsGroup) {
  TestRuntime().Run([] {
    const auto spawn = [] {
      TaskGroup group;
      Task<std::string> task = group.Spawn([] { return std::string(100, 'x'); });
      EXPECT_TRUE(group.Wait().ok());
      return task;
    };
    const Task<std::string> task = spawn();
    EXPECT_EQ(*task, std::string(100, 'x'));
  });
}

TEST(Task, IsMovedAndItsValueMovedFrom) {
  TestRuntime().Run([] {
    TaskGroup group;
    Task<std::unique_ptr<int>> first = group.Spawn([] { return std::make_unique<int>(1); });
    Task<std::unique_ptr<int>> second = group.Spawn([] { return std::make_unique<int>(2); });
    EXPECT_FALSE(first.done());
    first = std::move(second);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(first.done());
    const std::unique_ptr<int> value = std::move(*first);
    EXPECT_EQ(*value, 2);
    EXPECT_FALSE(Task<int>().done());
  });
}

TEST(Task, DroppingItLeavesTheChildAlone) {
  TestRuntime().Run([] {
    bool finished = false;
    TaskGroup group;
    {
      Task<int> dropped = group.Spawn([&] {
        EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
        finished = true;
        return 1;
      });
      Yield();
    }
    EXPECT_EQ(group.running(), 1u);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(finished);
  });
}

TEST(Task, IsDoneAsSoonAsItsChildIs) {
  TestRuntime().Run([] {
    Channel<int> never(1);
    TaskGroup group;
    Task<int> quick = group.Spawn([] { return 7; });
    Task<void> slow = group.Spawn([&] { (void)never.Receive(); });
    Yield();
    EXPECT_TRUE(quick.done());
    EXPECT_EQ(*quick, 7);
    EXPECT_FALSE(slow.done());
    never.Close();
    EXPECT_TRUE(group.Wait().ok());
  });
}

// Its destructor needs a fiber, and time: such is a stream that must first be ended.
class Stream {
 public:
  explicit Stream(bool* ended) : ended_(ended) {}
  Stream(Stream&& other) noexcept : ended_(std::exchange(other.ended_, nullptr)) {}
  ~Stream() {
    if (ended_ == nullptr) return;
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
    *ended_ = true;
  }

 private:
  bool* ended_;
};

TEST(Task, AResultThatNobodyWantsIsDestroyedOnTheChildsFiber) {
  TestRuntime().Run([] {
    bool ended = false;
    TaskGroup group;
    group.Spawn([&] { return Stream(&ended); });
    group.Spawn([&]() -> absl::StatusOr<Stream> { return Stream(&ended); });
    Yield();
    EXPECT_EQ(group.running(), 2u);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(ended);
  });
}

// --- Failure policies --------------------------------------------------------------------------

TEST(OnFailure, WaitForAllLetsTheSiblingsFinish) {
  ForEachShuffle(5, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      TaskGroup group({.on_failure = OnFailure::kWaitForAll});
      auto slow = group.Spawn([] { return weft::SleepFor(absl::Seconds(2)); });
      auto late = group.Spawn([]() -> absl::Status {
        if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
        return absl::AbortedError("second");
      });
      auto failed = group.Spawn([] { return absl::NotFoundError("first"); });
      EXPECT_EQ(group.Wait(), absl::NotFoundError("first"));
      EXPECT_TRUE(slow.status().ok());
      EXPECT_EQ(late.status(), absl::AbortedError("second"));
      EXPECT_EQ(failed.status(), absl::NotFoundError("first"));
      EXPECT_FALSE(group.scope().cancelled());
    });
  });
}

TEST(OnFailure, WaitForAllIsCancelledByHandAndFromOutsideAllTheSame) {
  TestRuntime().Run([] {
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(5)});
    TaskGroup group({.on_failure = OnFailure::kWaitForAll});
    auto overdue = group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(overdue.status().code(), absl::StatusCode::kDeadlineExceeded);
    TaskGroup second({.shield = true, .on_failure = OnFailure::kWaitForAll});
    auto cancelled = second.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
    second.Cancel();
    second.Wait().IgnoreError();
    EXPECT_EQ(cancelled.status().code(), absl::StatusCode::kCancelled);
  });
}

TEST(OnFailure, AFailedGroupStaysCancelledOneThatWaitsForAllDoesNot) {
  TestRuntime().Run([] {
    for (const OnFailure policy : {OnFailure::kCancelSiblings, OnFailure::kWaitForAll}) {
      TaskGroup group({.on_failure = policy});
      group.Spawn([] { return absl::NotFoundError("none"); });
      EXPECT_FALSE(group.Wait().ok());
      auto later = group.Spawn([] { return weft::SleepFor(absl::Seconds(1)); });
      EXPECT_EQ(group.Wait(), absl::NotFoundError("none")) << "the first failure stays the answer";
      EXPECT_EQ(later.status().ok(), policy == OnFailure::kWaitForAll);
    }
  });
}

TEST(OnFailure, AChildThatCannotBeStartedIsNamedToItsSiblings) {
  TestRuntime({.max_fibers_per_shard = 2}).Run([] {
    TaskGroup group;
    auto first = group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
    group.Spawn("one too many", [] {});
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(first.status().message(),
              "cancelled: sibling failed: task 'one too many': RESOURCE_EXHAUSTED: no fiber for a "
              "task: RuntimeOptions::max_fibers_per_shard or memory is used up (while sleeping)");
  });
}

// --- At the end of a runtime -------------------------------------------------------------------

class LateSpawner final : public internal::FiberBody {
 public:
  explicit LateSpawner(const std::atomic<bool>& ending) : ending_(ending) {}
  void Run() override {
    while (!ending_) Yield();
    for (int i = 0; i < 100; ++i) Yield();  // The destructor has begun, very likely.
    TaskGroup group;
    auto child = group.Spawn([] { return weft::SleepFor(absl::Microseconds(1)); });
    status = group.Wait();
  }
  void Finished() override {}
  absl::Status status = absl::UnknownError("has not run");

 private:
  const std::atomic<bool>& ending_;
};

TEST(TaskGroup, SpawnsAsLongAsTheRuntimesDestructorWaits) {
  std::atomic<bool> ending{false};
  LateSpawner spawner(ending);
  {
    Runtime runtime({.shards = 1});
    runtime.Post(0, [&] { ASSERT_TRUE(internal::StartFiber(spawner, {.name = "late"})); });
    ending = true;
  }
  EXPECT_TRUE(spawner.status.ok()) << spawner.status;
}

// --- Bad use -----------------------------------------------------------------------------------

TEST(TaskGroup, WaitingAgainGivesTheSameAnswerAtOnce) {
  TestRuntime().Run([] {
    TaskGroup group;
    group.Spawn([] { return absl::NotFoundError("none"); });
    EXPECT_EQ(group.Wait(), absl::NotFoundError("none"));
    EXPECT_EQ(group.Wait(), absl::NotFoundError("none"));
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(TaskGroupDeathTest, IsDestroyedByItsOwner) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto group = std::make_unique<TaskGroup>();
    TaskGroup others;
    others.Spawn([&] { group.reset(); });
    others.Wait().IgnoreError();
  }),
               "a TaskGroup is destroyed by the fiber that made it");
}

TEST(TaskGroupDeathTest, IsNotWaitedForByAPlainThread) {
  EXPECT_DEATH(TestRuntime().Run([] {
    TaskGroup group;
    std::thread([&] { group.Wait().IgnoreError(); }).join();
  }),
               "a TaskGroup is waited for by the fiber that made it");
}

TEST(TaskGroupDeathTest, DoesNotSpawnFromAPlainThread) {
  EXPECT_DEATH(TestRuntime().Run([] {
    TaskGroup group;
    std::thread([&] { group.Spawn([] {}); }).join();
  }),
               "TaskGroup::Spawn is called on the group's shard: by the fiber that made the group");
}

TEST(TaskGroupDeathTest, DoesNotSpawnFromAnotherShard) {
  EXPECT_DEATH(
      {
        TestRuntime runtime({.shards = 2});
        runtime.Run([&] {
          TaskGroup group;
          runtime.runtime().Post(1, [&] { group.Spawn([] {}); });
          weft::SleepFor(absl::Hours(1)).IgnoreError();
        });
      },
      "TaskGroup::Spawn is called on the group's shard: by the fiber that made the group");
}

TEST(TaskGroupDeathTest, IsNotCancelledFromAPlainThread) {
  EXPECT_DEATH(TestRuntime().Run([] {
    TaskGroup group;
    std::thread([&] { group.Cancel(); }).join();
  }),
               "cancelled on the shard of the fiber that made it");
}

TEST(TaskDeathTest, IsNotReadBeforeItsChildHasEnded) {
  EXPECT_DEATH(TestRuntime().Run([] {
    TaskGroup group;
    auto task = group.Spawn([] { return 1; });
    task.status().IgnoreError();
  }),
               "a Task is read after its child has ended: after TaskGroup::Wait");
}

TEST(TaskDeathTest, HasNoValueAfterAFailure) {
  EXPECT_DEATH(TestRuntime().Run([] {
    TaskGroup group;
    auto task = group.Spawn([]() -> absl::StatusOr<int> { return absl::NotFoundError("none"); });
    group.Wait().IgnoreError();
    EXPECT_EQ(*task, 1);
  }),
               "a Task has a value when its status.. is OK: look at that first");
}
#endif

}  // namespace
}  // namespace weft
