// The watchdog at work on real threads. What it decides is tested in
// internal/stall_tracker_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/fiber_local.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/stalls.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

FiberLocal<int> customer_number;

// Also notes what OnLongRun() gets, and lets a blocked fiber go on.
class Observer final : public StallRecorder {
 public:
  void OnStall(const StallReport& report) noexcept override {
    StallRecorder::OnStall(report);
    if (report.cause == StallCause::kBlocks && unblock != nullptr) unblock.load()->Notify();
  }
  bool DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept override {
    const int* const number = customer_number.FindIn(locals);
    if (number == nullptr) return false;
    std::snprintf(text, size, "customer %d", *number);
    return true;
  }
  void OnLongRun(const FiberLocals& locals, int64_t nanos) noexcept override {
    const int* const number = customer_number.FindIn(locals);
    long_runs.emplace_back(number == nullptr ? 0 : *number, nanos);
  }

  std::atomic<internal::ThreadEvent*> unblock{nullptr};
  std::vector<std::pair<int, int64_t>> long_runs;  // on the shard's thread
};

RuntimeOptions Watched(RuntimeObserver& observer) {
  return {.shards = 1,
          .observer = &observer,
          .stall_threshold = absl::Milliseconds(5),
          .stall_report_interval = absl::ZeroDuration()};
}

// Thread sanitizer hands signals over when the program calls the C library, which the loop does.
[[gnu::noinline]] void Compute(const StallRecorder& stalls) {
  volatile uint64_t sum = 0;
  while (!stalls.noticed()) {
    for (int i = 0; i < 1000; ++i) sum = sum + static_cast<uint64_t>(i);
    delete new int;
  }
  asm volatile("");
}

[[gnu::noinline]] void BlockTheThread(internal::ThreadEvent& event) {
  event.Wait();
  asm volatile("");
}

bool HasReport(const StallRecorder& stalls, StallCause cause) {
  for (const StallReport& report : stalls.reports()) {
    if (report.cause == cause) return true;
  }
  return false;
}

TEST(Stall, AFiberThatComputesIsReportedWithItsStackAndWhoItIs) {
  Observer observer;
  uint64_t id = 0;
  {
    Runtime runtime(Watched(observer));
    runtime.Run([&] {
      TaskGroup group;
      group.Spawn("price", [&] {
        customer_number.Get() = 17;
        Compute(observer);
      });
      EXPECT_TRUE(group.Wait().ok());
      id = 2;  // The second fiber of the only shard.
    });
  }
  ASSERT_TRUE(observer.noticed());
  const StallReport report = observer.reports().front();
  EXPECT_EQ(report.shard, 0);
  EXPECT_EQ(report.fiber_id, id);
  EXPECT_EQ(report.fiber_name, "price");
  EXPECT_EQ(report.trace_id, "customer 17");
  EXPECT_GE(report.nanos, 5'000'000);
  EXPECT_EQ(report.no_stack, "");
  ASSERT_THAT(report.stack, Not(IsEmpty()));
  EXPECT_THAT(ToString(report), HasSubstr("Compute"));
  EXPECT_THAT(ToString(report), HasSubstr("fiber 2 'price' (trace customer 17) on shard 0"));
}

TEST(Stall, AThreadThatComputesAndOneThatBlocksAreToldApart) {
  Observer computing;
  {
    Runtime runtime(Watched(computing));
    // On a busy machine it first gets no CPU.
    runtime.Run([&] {
      while (!HasReport(computing, StallCause::kComputes)) {
      }
    });
  }

  Observer blocking;
  internal::ThreadEvent event;
  blocking.unblock = &event;
  {
    Runtime runtime(Watched(blocking));
    runtime.Run([&] { BlockTheThread(event); });
  }
  const StallReport report = blocking.reports().back();
  EXPECT_EQ(report.cause, StallCause::kBlocks);
  EXPECT_THAT(ToString(report), HasSubstr("BlockTheThread"));
  EXPECT_THAT(ToString(report), HasSubstr("blocks its thread"));
}

TEST(Stall, TheLoopsOwnWorkIsWatchedToo) {
  Observer observer;
  {
    Runtime runtime(Watched(observer));
    runtime.Post(0, [&] { Compute(observer); });
    observer.WaitForEnds(1);
  }
  const StallReport report = observer.reports().front();
  EXPECT_EQ(report.fiber_id, 0u);
  EXPECT_EQ(report.fiber_name, "");
  EXPECT_THAT(ToString(report), HasSubstr("the loop on shard 0"));
  EXPECT_THAT(ToString(report), HasSubstr("Compute"));
  EXPECT_EQ(observer.ends().front().fiber_id, 0u);
}

TEST(Stall, WhenItIsOverItsWholeDurationIsTold) {
  Observer observer;
  Runtime runtime(Watched(observer));
  runtime.Run([&] {
    TaskGroup group;
    group.Spawn("price", [&] { Compute(observer); });
    EXPECT_TRUE(group.Wait().ok());
  });
  observer.WaitForEnds(1);
  const StallReport report = observer.reports().front();
  const StallEnd end = observer.ends().front();
  EXPECT_TRUE(end.reported);
  EXPECT_EQ(end.fiber_id, report.fiber_id);
  EXPECT_EQ(end.shard, 0);
  EXPECT_GT(end.nanos, report.nanos);
}

TEST(Stall, ReportsAreLimitedButEveryEndIsTold) {
  Observer observer;
  RuntimeOptions options = Watched(observer);
  options.stall_report_interval = absl::InfiniteDuration();
  Runtime runtime(std::move(options));
  for (size_t stalls = 1; stalls <= 3; ++stalls) {
    // A run that is only just a stall may have ended before the watchdog came.
    while (observer.ends().size() < stalls) {
      runtime.Run([] {
        while (Runtime::CurrentStallNanos() < 40'000'000) {
        }
      });
      runtime.Run([] {});
    }
  }
  const std::vector<StallEnd> ends = observer.ends();
  const auto reported =
      std::count_if(ends.begin(), ends.end(), [](const StallEnd& end) { return end.reported; });
  // One of each kind at most: on a busy machine some of the stalls get no CPU.
  EXPECT_GE(reported, 1);
  EXPECT_LE(reported, 2);
}

TEST(Stall, AFiberTellsOfItsLongRunAsItParksAndAsItEnds) {
  Observer observer;
  {
    Runtime runtime(Watched(observer));
    runtime.Run([&] {
      EXPECT_EQ(Runtime::CurrentStallNanos(), 0);
      TaskGroup group;
      group.Spawn("parks", [&] {
        customer_number.Get() = 1;
        Compute(observer);
        EXPECT_GE(Runtime::CurrentStallNanos(), 5'000'000);
        weft::Yield();
        EXPECT_EQ(Runtime::CurrentStallNanos(), 0);
      });
      EXPECT_TRUE(group.Wait().ok());
      group.Spawn("ends", [&] {
        customer_number.Get() = 2;
        while (Runtime::CurrentStallNanos() == 0) {
        }
      });
      EXPECT_TRUE(group.Wait().ok());
    });
  }
  std::vector<int> customers;
  for (const auto& [customer, nanos] : observer.long_runs) {
    EXPECT_GE(nanos, 5'000'000);
    if (customer != 0) customers.push_back(customer);
  }
  EXPECT_THAT(customers, ElementsAre(1, 2));
}

TEST(Stall, WithoutAThresholdNothingIsWatched) {
  Observer observer;
  RuntimeOptions options = Watched(observer);
  options.stall_threshold = absl::ZeroDuration();
  Runtime runtime(std::move(options));
  runtime.Run([] {
    const int64_t end_nanos = Clock::Real().MonotonicNanos() + 2 * 25'000'000;
    while (Clock::Real().MonotonicNanos() < end_nanos) {
    }
    EXPECT_EQ(Runtime::CurrentStallNanos(), 0);
  });
  EXPECT_THAT(observer.long_runs, IsEmpty());
}

TEST(Stall, OnASimulatedClockNothingIsWatchedUnlessAskedFor) {
  Observer off;
  {
    TestRuntime runtime({.observer = &off});
    runtime.Run([] {
      const int64_t end_nanos = Clock::Real().MonotonicNanos() + 2 * 25'000'000;
      while (Clock::Real().MonotonicNanos() < end_nanos) {
      }
      EXPECT_EQ(Runtime::CurrentStallNanos(), 0);
    });
  }
  EXPECT_THAT(off.long_runs, IsEmpty());

  Observer on;
  TestRuntime runtime(Watched(on));
  runtime.Run([&] { Compute(on); });
  EXPECT_TRUE(on.noticed());
}

TEST(Stall, ANegativeThresholdIsRefused) {
  Observer observer;
  RuntimeOptions options = Watched(observer);
  options.stall_threshold = -absl::Milliseconds(1);
  EXPECT_DEATH(Runtime{options}, "a stall threshold is not negative; 0 is off");
}

// Anybody may send the signal; it must change nothing, also while the shard waits.
TEST(Stall, SignalsThatNobodyAskedForAreIgnored) {
  Observer observer;
  Runtime runtime(Watched(observer));
  std::atomic<pthread_t> shard{};
  runtime.Run([&] {
    shard = pthread_self();
    for (int i = 0; i < 10; ++i) pthread_kill(shard, SIGURG);
    weft::Yield();
  });
  for (int i = 0; i < 10; ++i) pthread_kill(shard, SIGURG);
  runtime.Run([&] { Compute(observer); });
  EXPECT_THAT(observer.reports().front().stack, Not(IsEmpty()));
}

// Two runtimes have a watchdog each.
TEST(Stall, EachRuntimeTellsItsOwnObserver) {
  Observer first;
  Observer second;
  Runtime one(Watched(first));
  Runtime two(Watched(second));
  one.Post(0, [&] { Compute(first); });
  two.Post(0, [&] { Compute(second); });
  first.WaitForEnds(1);
  second.WaitForEnds(1);
  EXPECT_THAT(ToString(first.reports().front()), HasSubstr("Compute"));
  EXPECT_THAT(ToString(second.reports().front()), HasSubstr("Compute"));
}

}  // namespace
}  // namespace weft
