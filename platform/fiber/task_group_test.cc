#include "platform/fiber/task_group.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(TaskGroup, ResultsOfEveryKindAreKept) {
  TestRuntime().Run([] {
    TaskGroup group;
    Task<int> plain = group.Spawn([] { return 1; });
    Task<std::string> status_or = group.Spawn([]() -> absl::StatusOr<std::string> {
      if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
      return "late";
    });
    Task<void> status = group.Spawn([] { return absl::OkStatus(); });
    Task<void> nothing = group.Spawn([] {});
    Task<std::unique_ptr<int>> move_only = group.Spawn([] { return std::make_unique<int>(5); });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*plain, 1);
    EXPECT_EQ(*status_or, "late");
    EXPECT_EQ(status_or->size(), 4u);
    EXPECT_TRUE(status.status().ok());
    EXPECT_TRUE(nothing.status().ok());
    EXPECT_EQ(**move_only, 5);
  });
}

TEST(TaskGroup, SpawnReturnsBeforeTheChildRuns) {
  TestRuntime().Run([] {
    bool ran = false;
    TaskGroup group;
    group.Spawn([&] { ran = true; });
    EXPECT_FALSE(ran);
    EXPECT_EQ(group.running(), 1u);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(ran);
    EXPECT_EQ(group.running(), 0u);
  });
}

TEST(TaskGroup, WithoutChildrenWaitReturnsAtOnce) {
  TestRuntime().Run([] {
    TaskGroup group;
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(TaskGroup, FirstFailureIsReturnedAndCancelsTheSiblings) {
  TestRuntime().Run([] {
    TaskGroup group;
    auto sleeper = group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
    group.Spawn([]() -> absl::Status {
      if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
      return absl::NotFoundError("no such sku");
    });
    const absl::Time start = weft::Now();
    EXPECT_EQ(group.Wait(), absl::NotFoundError("no such sku"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    EXPECT_EQ(sleeper.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(sleeper.status().message(),
              "cancelled: sibling failed: NOT_FOUND: no such sku (while sleeping)");
  });
}

TEST(TaskGroup, AFailureDoesNotCancelTheFiberThatMadeTheGroup) {
  TestRuntime().Run([] {
    TaskGroup group;
    group.Spawn([] { return absl::InternalError("x"); });
    EXPECT_FALSE(group.Wait().ok());
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
  });
}

TEST(TaskGroup, ExceptionsBecomeInternalStatuses) {
  TestRuntime().Run([] {
    TaskGroup group;
    auto known = group.Spawn([]() -> int { throw std::runtime_error("boom"); });
    auto unknown = group.Spawn([] { throw 7; });
    EXPECT_EQ(group.Wait(), absl::InternalError("a task threw an exception: boom"));
    EXPECT_EQ(known.status().code(), absl::StatusCode::kInternal);
    EXPECT_EQ(unknown.status(),
              absl::InternalError("a task threw something that is no std::exception"));
  });
}

TEST(TaskGroup, AChildSpawnsSiblingsAndWaitSeesThem) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      int finished = 0;
      TaskGroup group;
      group.Spawn([&] {
        for (int i = 0; i < 3; ++i) {
          group.Spawn([&] {
            EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
            group.Spawn([&] { ++finished; });
            ++finished;
          });
        }
        ++finished;
      });
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(finished, 7);
    });
  });
}

TEST(TaskGroup, CanBeUsedAgainAfterWait) {
  TestRuntime().Run([] {
    TaskGroup group;
    for (int round = 0; round < 3; ++round) {
      auto task = group.Spawn([round] { return round; });
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(*task, round);
    }
  });
}

TEST(TaskGroup, DestructorCancelsAndWaits) {
  TestRuntime().Run([] {
    absl::Status seen;
    {
      TaskGroup group;
      group.Spawn([&] { seen = weft::SleepFor(absl::Hours(1)); });
      WaitAllBlocked();
    }
    EXPECT_EQ(seen.message(), "cancelled: by hand: the task group was left (while sleeping)");
  });
}

TEST(TaskGroup, DestructorDuringUnwindingWaitsToo) {
  TestRuntime().Run([] {
    bool child_ended = false;
    try {
      TaskGroup group;
      group.Spawn([&] {
        EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
        child_ended = true;
      });
      WaitAllBlocked();
      throw std::runtime_error("left early");
    } catch (const std::runtime_error& e) {
      EXPECT_TRUE(child_ended);
      EXPECT_STREQ(e.what(), "left early");
    }
  });
}

TEST(TaskGroup, InACancelledScopeChildrenStartCancelled) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel(CancelCause::kDrain);
    bool ran = false;
    TaskGroup group;
    auto child = group.Spawn([&] {
      ran = true;
      return weft::SleepFor(absl::Hours(1));
    });
    EXPECT_FALSE(group.Wait().ok());
    EXPECT_TRUE(ran);
    EXPECT_EQ(child.status().message(), "cancelled: drain (while sleeping)");
  });
}

TEST(TaskGroup, WaitIsDeafToTheScopeButItsChildrenAreNot) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Seconds(1)});
    TaskGroup group;
    group.Spawn([] {
      const absl::Status slept = weft::SleepFor(absl::Hours(1));
      CancelScope clean_up({.shield = true});
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(5)).ok());
      return slept;
    });
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(6));
  });
}

TEST(TaskGroup, AfterTheDeadlineEveryChildReportsTheDeadline) {
  ForEachShuffle(5, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      TaskGroup group({.deadline = weft::Now() + absl::Seconds(1)});
      Channel<int> never(1);
      auto sleeping = group.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
      auto receiving = group.Spawn([&] { return never.ReceiveOr().status(); });
      EXPECT_EQ(group.Wait().code(), absl::StatusCode::kDeadlineExceeded);
      EXPECT_EQ(sleeping.status().code(), absl::StatusCode::kDeadlineExceeded);
      EXPECT_EQ(receiving.status().code(), absl::StatusCode::kDeadlineExceeded);
    });
  });
}

TEST(TaskGroup, ShieldedGroupOutlivesTheCancellationAroundIt) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel();
    TaskGroup group({.shield = true});
    group.Spawn([] { return weft::SleepFor(absl::Seconds(1)); });
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(TaskGroup, CancelReachesNestedGroups) {
  TestRuntime().Run([] {
    TaskGroup outer;
    absl::Status inner_status;
    outer.Spawn([&] {
      TaskGroup inner;
      inner.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
      return inner_status = inner.Wait();
    });
    WaitAllBlocked();
    outer.Cancel(CancelCause::kClientGone, "connection reset");
    EXPECT_FALSE(outer.Wait().ok());
    EXPECT_EQ(inner_status.message(), "cancelled: client gone: connection reset (while sleeping)");
  });
}

TEST(TaskGroup, OneFiberTooManyFailsItsTaskOnly) {
  TestRuntime runtime({.max_fibers_per_shard = 3});
  runtime.Run([] {
    TaskGroup group;
    Channel<int> go(1);
    auto first = group.Spawn([&] { (void)go.Receive(); });
    auto second = group.Spawn([&] { (void)go.Receive(); });
    auto third = group.Spawn([] { return 3; });
    go.Close();
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(first.status().ok());
    EXPECT_TRUE(second.status().ok());
    EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
    // Their fibers are free again.
    TaskGroup later;
    later.Spawn([] {});
    later.Spawn([] {});
    EXPECT_TRUE(later.Wait().ok());
  });
}

TEST(TaskGroup, ThousandsOfChildren) {
  TestRuntime().Run([] {
    TaskGroup group;
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 2'000; ++i) {
      tasks.push_back(group.Spawn([i] {
        EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(i % 7)).ok());
        return i;
      }));
    }
    EXPECT_TRUE(group.Wait().ok());
    for (int i = 0; i < 2'000; ++i) EXPECT_EQ(*tasks[static_cast<size_t>(i)], i);
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(TaskGroupDeathTest, IsMadeOnAFiber) {
  EXPECT_DEATH(TaskGroup(), "a TaskGroup is made on a fiber");
}

TEST(TaskGroupDeathTest, IsWaitedForByItsOwner) {
  EXPECT_DEATH(TestRuntime().Run([] {
    TaskGroup group;
    group.Spawn([&] { group.Wait().IgnoreError(); });
    group.Wait().IgnoreError();
  }),
               "a TaskGroup is waited for by the fiber that made it");
}
#endif

}  // namespace
}  // namespace weft
