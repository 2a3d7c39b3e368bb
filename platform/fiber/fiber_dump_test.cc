#include "platform/fiber/fiber_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<uint64_t> Ids(const std::vector<const FiberInfo*>& fibers) {
  std::vector<uint64_t> ids;
  for (const FiberInfo* const fiber : fibers) ids.push_back(fiber->id);
  return ids;
}

TEST(FiberFilter, EveryFieldMustMatch) {
  const FiberInfo fiber{.id = 1, .state = "parked", .name = "GetItem", .age_nanos = 5'000'000'000};
  EXPECT_TRUE(FiberFilter().Matches(fiber));
  EXPECT_TRUE(
      FiberFilter({.name = "tIt", .state = "parked", .min_age = absl::Seconds(5)}).Matches(fiber));
  EXPECT_FALSE(FiberFilter({.name = "PutItem"}).Matches(fiber));
  EXPECT_FALSE(FiberFilter({.state = "ready"}).Matches(fiber));
  EXPECT_FALSE(FiberFilter({.min_age = absl::Seconds(6)}).Matches(fiber));
}

TEST(GroupByStack, IdenticalStacksAreCountedTogetherTheLargestGroupFirst) {
  const std::vector<FiberInfo> fibers = {
      {.id = 1, .age_nanos = 9, .stack = {100, 200}},
      {.id = 2, .age_nanos = 1, .stack = {100, 300}},
      {.id = 3, .age_nanos = 5, .stack = {100, 300}},
  };
  Symbolizer symbolizer;
  const std::vector<FiberStackGroup> groups = GroupByStack(fibers, symbolizer);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_THAT(Ids(groups[0].fibers), ElementsAre(3, 2));
  EXPECT_THAT(Ids(groups[1].fibers), ElementsAre(1));
  EXPECT_THAT(FormatStacks(groups), HasSubstr("2 fibers: 3 '' "));
}

TEST(FindLockCycles, FindsEachRingOnceAndNotWhatOnlyLeadsToOne) {
  const std::vector<FiberInfo> fibers = {
      {.id = 9, .owner_id = 1},                             // leads to a ring
      {.id = 1, .owner_id = 2},  {.id = 2, .owner_id = 3},  // a ring of three
      {.id = 3, .owner_id = 1},  {.id = 4, .owner_id = 4},  // a ring of one
      {.id = 5, .owner_id = 6},  {.id = 6},                 // a queue
      {.id = 7, .owner_id = 99},                            // its owner is not in the list
  };
  const auto cycles = FindLockCycles(fibers);
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_THAT(Ids(cycles[0]), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ids(cycles[1]), ElementsAre(4));
}

TEST(WaitersOf, AreInTheOrderTheyCame) {
  const std::vector<FiberInfo> fibers = {
      {.id = 1, .state_nanos = 10, .object_id = 7},
      {.id = 2, .state_nanos = 30, .object_id = 7},
      {.id = 3, .state_nanos = 20, .object_id = 8},
  };
  EXPECT_THAT(Ids(WaitersOf(7, fibers)), ElementsAre(2, 1));
  EXPECT_THAT(WaitersOf(0, fibers), IsEmpty());
}

TEST(ToTree, ChildrenStandBelowTheirParentTheOldestFirst) {
  const std::vector<FiberInfo> fibers = {
      {.id = 1, .age_nanos = 9},
      {.id = 2, .age_nanos = 5, .parent_id = 1},
      {.id = 3, .age_nanos = 7, .parent_id = 1},
      {.id = 4, .age_nanos = 1, .parent_id = 3},
      {.id = 5, .age_nanos = 8, .parent_id = 77},  // its parent is gone
  };
  std::vector<std::string> rows;
  for (const FiberTreeRow& row : ToTree(fibers)) {
    rows.push_back(std::string(static_cast<size_t>(row.depth), '.') +
                   std::to_string(row.fiber->id));
  }
  EXPECT_THAT(rows, ElementsAre("1", ".3", "..4", ".2", "5"));
}

TEST(DescribeFiber, SaysAllThatIsKnown) {
  EXPECT_EQ(DescribeFiber({.id = 7,
                           .shard = 1,
                           .state = "parked",
                           .name = "GetItem",
                           .waits_for = "mutex",
                           .age_nanos = 2'000'000'000,
                           .state_nanos = 1'500'000,
                           .deadline_left_nanos = -3'000'000,
                           .cancelled = "deadline",
                           .owner_id = 9,
                           .trace_id = "4bf9"}),
            "fiber 7 'GetItem' (shard 1, parked 1.5ms on mutex held by fiber 9, age 2s, deadline "
            "over by 3ms, cancelled: deadline, trace 4bf9)");
  EXPECT_EQ(DescribeFiber({.id = 1, .state = "ready", .name = "x"}),
            "fiber 1 'x' (shard 0, ready 0, age 0)");
}

// --- Deadlocks --------------------------------------------------------------------------------

class DeadlockRecorder final : public RuntimeObserver {
 public:
  void OnDeadlock(const std::vector<FiberInfo>& ring) noexcept override { rings.push_back(ring); }
  std::vector<std::vector<FiberInfo>> rings;
};

[[gnu::noinline]] absl::Status TakeBoth(Mutex& left, Mutex& right) {
  left.Lock();
  weft::Yield();
  const absl::Status status = right.LockCancellable();
  if (status.ok()) right.Unlock();
  left.Unlock();
  return status;
}

// Philosophers: each takes the fork on the left, then the one on the right.
void Dine(int philosophers) {
  std::vector<Mutex> forks(static_cast<size_t>(philosophers));
  TaskGroup table({.deadline = weft::Now() + absl::Seconds(1)});
  for (int i = 0; i < philosophers; ++i) {
    table.Spawn("philosopher", [&, i] {
      return TakeBoth(forks[static_cast<size_t>(i)],
                      forks[static_cast<size_t>((i + 1) % philosophers)]);
    });
  }
  EXPECT_EQ(table.Wait().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(Deadlock, ARingOfMutexesIsReportedOnceWithTheStacksOfThoseInIt) {
  DeadlockRecorder recorder;
  TestRuntime runtime({.observer = &recorder});
  runtime.Run([] { Dine(3); });
  ASSERT_EQ(recorder.rings.size(), 1u);
  ASSERT_EQ(recorder.rings[0].size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const FiberInfo& fiber = recorder.rings[0][i];
    EXPECT_EQ(fiber.name, "philosopher");
    EXPECT_EQ(fiber.owner_id, recorder.rings[0][(i + 1) % 3].id);
  }
  std::vector<const FiberInfo*> ring;
  for (const FiberInfo& fiber : recorder.rings[0]) ring.push_back(&fiber);
  Symbolizer symbolizer;
  const std::string report = FormatDeadlock(ring, symbolizer);
  EXPECT_THAT(report, HasSubstr("3 fibers wait for locks in a ring"));
  EXPECT_THAT(report, HasSubstr("weft::Mutex::LockSlow"));
  EXPECT_THAT(report, HasSubstr("TakeBoth()"));
}

TEST(Deadlock, AQueueForAMutexIsNone) {
  DeadlockRecorder recorder;
  TestRuntime runtime({.observer = &recorder});
  runtime.Run([] {
    Mutex first;
    Mutex second;
    TaskGroup group;
    for (int i = 0; i < 4; ++i) {
      group.Spawn([&] {
        std::lock_guard<Mutex> outer(first);
        weft::Yield();
        std::lock_guard<Mutex> inner(second);
        weft::Yield();
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_THAT(recorder.rings, IsEmpty());
}

TEST(Deadlock, WithoutAnObserverItIsWrittenToStderr) {
  testing::internal::CaptureStderr();
  {
    TestRuntime runtime;
    runtime.Run([] { Dine(2); });
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("deadlock: 2 fibers wait"));
}

}  // namespace
}  // namespace weft
