// Stacks of several sizes, how deep they were used, and what is given back of them.
#include "platform/fiber/stack_size.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

constexpr size_t kKib = 1024;

StackStats StatsOf(Runtime& runtime, StackSize size) {
  return runtime.Stats()[0].stacks_by_size[static_cast<size_t>(size)];
}

[[gnu::noinline]] uintptr_t UseStackDownTo(uintptr_t end) {
  volatile char frame[1024];
  frame[0] = 1;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const uintptr_t lowest = here <= end ? here : UseStackDownTo(end);
  frame[1] = frame[0];
  return lowest;
}

// Returns an address in the lowest frame. By addresses: a sanitizer makes frames larger.
uintptr_t UseStack(size_t bytes) {
  return UseStackDownTo(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - bytes);
}

bool IsResident(uintptr_t address) {
  const uintptr_t page_bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  unsigned char resident = 0;
  void* const page = reinterpret_cast<void*>(address / page_bytes * page_bytes);
  EXPECT_EQ(mincore(page, page_bytes, &resident), 0);
  return (resident & 1) != 0;
}

void RunOnStack(StackSize size, void (*function)()) {
  TaskGroup group({.stack = size});
  group.Spawn(function);
  EXPECT_TRUE(group.Wait().ok());
}

TEST(StackSize, HasItsNameInConfigurationAndMetrics) {
  for (size_t i = 0; i < kStackSizes; ++i) {
    const auto size = static_cast<StackSize>(i);
    EXPECT_EQ(StackSizeNamed(StackSizeName(size)), size);
  }
  EXPECT_EQ(StackSizeNamed("huge"), std::nullopt);
}

TEST(StackSize, EachHasWhatItsOptionSays) {
  TestRuntime runtime({.stack_bytes = 128 * kKib,
                       .small_stack_bytes = 32 * kKib,
                       .large_stack_bytes = 2048 * kKib});
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kDefault).stack_bytes, 128 * kKib);
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kSmall).stack_bytes, 32 * kKib);
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kLarge).stack_bytes, 2048 * kKib);
  runtime.Run([] { RunOnStack(StackSize::kLarge, [] { UseStack(1900 * kKib); }); });
}

TEST(StackSize, ChildrenHaveThatOfTheirGroupAndGrandchildrenTheDefault) {
  TestRuntime runtime;
  runtime.Run([&] {
    TaskGroup group({.stack = StackSize::kSmall});
    group.Spawn([&] {
      EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kSmall).in_use, 1u);
      TaskGroup inner;
      inner.Spawn([] { Yield(); });
      EXPECT_TRUE(inner.Wait().ok());
    });
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kDefault).in_use, 2u);
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kSmall).in_use, 1u);
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kLarge).in_use, 0u);
}

TEST(StackSize, IdleStacksServeTheirOwnSizeOnly) {
  TestRuntime runtime;
  runtime.Run([] {
    for (int round = 0; round < 5; ++round) {
      for (const StackSize size : {StackSize::kSmall, StackSize::kLarge, StackSize::kDefault}) {
        RunOnStack(size, [] {});
      }
    }
  });
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kDefault).in_use, 2u);  // and Run()'s
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kSmall).in_use, 1u);
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kLarge).in_use, 1u);
}

TEST(StackSize, AtTheLimitAnIdleFiberOfAnotherSizeMakesRoom) {
  TestRuntime runtime({.max_fibers_per_shard = 2});
  runtime.Run([&] {
    RunOnStack(StackSize::kLarge, [] {});
    RunOnStack(StackSize::kSmall, [] {});
    EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kLarge).in_use, 0u);
    TaskGroup group({.stack = StackSize::kSmall});
    group.Spawn([] { Yield(); });
    TaskGroup one_too_many({.stack = StackSize::kLarge});
    one_too_many.Spawn([] {});
    EXPECT_EQ(one_too_many.Wait().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(group.Wait().ok());
  });
}

// --- High water ------------------------------------------------------------------------------

TEST(StackHighWater, IsThatOfTheDeepestFiberOfItsSize) {
  TestRuntime runtime;
  runtime.Run([&] {
    RunOnStack(StackSize::kLarge, [] { UseStack(700 * kKib); });
    RunOnStack(StackSize::kLarge, [] { UseStack(20 * kKib); });
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
    RunOnStack(StackSize::kLarge, [] { UseStack(300 * kKib); });
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
  });
  const size_t large = StatsOf(runtime.runtime(), StackSize::kLarge).high_water_bytes;
  EXPECT_GE(large, 700 * kKib);
  EXPECT_LE(large, 900 * kKib);  // Sanitizers make frames larger.
  const size_t normal = StatsOf(runtime.runtime(), StackSize::kDefault).high_water_bytes;
  EXPECT_GT(normal, 0u);
  EXPECT_LE(normal, 64 * kKib);
  EXPECT_EQ(StatsOf(runtime.runtime(), StackSize::kSmall).high_water_bytes, 0u);
}

TEST(StackHighWater, SeesParkedFibersInTurn) {
  TestRuntime runtime;
  runtime.Run([] {
    TaskGroup group;
    for (int i = 0; i < 50; ++i) {
      group.Spawn([i] {
        if (i == 20) UseStack(150 * kKib);
        return weft::SleepFor(absl::Seconds(10));
      });
    }
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(100)).ok());
    group.Cancel();
    group.Wait().IgnoreError();
  });
  EXPECT_GE(StatsOf(runtime.runtime(), StackSize::kDefault).high_water_bytes, 150 * kKib);
}

// --- What is given back ----------------------------------------------------------------------

TEST(IdleStacks, KeepLittleOfADeepUse) {
  TestRuntime runtime;
  runtime.Run([] {
    uintptr_t lowest = 0;
    TaskGroup group;
    group.Spawn([&lowest] { lowest = UseStack(150 * kKib); });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(IsResident(lowest));
    // Stacks are looked at when the turn of the loop that wakes this fiber is over.
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
    EXPECT_FALSE(IsResident(lowest));
    group.Spawn([] { UseStack(150 * kKib); });  // It can be had again.
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(IdleStacks, AreGivenBackAfterABurst) {
#ifdef __SANITIZE_THREAD__
  constexpr size_t kFibers = 5'000;  // It knows no more than 8,128.
#else
  constexpr size_t kFibers = 20'000;
#endif
  constexpr size_t kIdle = 100;
  TestRuntime runtime({.max_idle_fibers = kIdle});
  std::vector<uintptr_t> used;  // an address on each stack
  runtime.Run([&used] {
    TaskGroup group;
    for (size_t i = 0; i < kFibers; ++i) {
      group.Spawn([&used] {
        used.push_back(UseStack(8 * kKib));
        return weft::SleepFor(absl::Seconds(1));
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  ASSERT_EQ(used.size(), kFibers);
  while (runtime.runtime().Stats()[0].idle > kIdle) {  // Given back turn by turn.
    internal::ThreadEvent next_turn;
    runtime.runtime().Post(0, [&next_turn] { next_turn.Notify(); });
    next_turn.Wait();
  }
  EXPECT_LE(StatsOf(runtime.runtime(), StackSize::kDefault).in_use, kIdle);
  EXPECT_LE(std::count_if(used.begin(), used.end(), IsResident), static_cast<ptrdiff_t>(kIdle));
}

}  // namespace
}  // namespace weft
