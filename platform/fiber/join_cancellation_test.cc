// The calls that wait for children are no cancel points: a cancellation ends the children, and the
// call returns when they have ended. Every such call, under every way of being cancelled.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/for_each.h"
#include "platform/fiber/gather.h"
#include "platform/fiber/race.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

constexpr int kChildren = 3;

// Runs `child` kChildren times, waits, and returns the outcome.
struct Join {
  std::string name;
  std::function<absl::Status(std::function<absl::Status()> child)> call;
  bool begins_in_cancelled_scope = true;
};

std::vector<Join> Joins() {
  const std::vector<int> elements = {1, 2, 3};
  return {
      {"Wait",
       [](auto child) {
         TaskGroup group;
         for (int i = 0; i < kChildren; ++i) group.Spawn(child);
         return group.Wait();
       }},
      {"WaitForAll",
       [](auto child) {
         TaskGroup group({.on_failure = OnFailure::kWaitForAll});
         for (int i = 0; i < kChildren; ++i) group.Spawn(child);
         return group.Wait();
       }},
      {"Gather", [](auto child) { return Gather(child, child, child).status(); }},
      {"CollectAll",
       [](auto child) {
         const auto [first, second, third] = CollectAll(child, child, child);
         EXPECT_EQ(second, third);
         return first;
       }},
      {"Race", [](auto child) { return Race(child, child, child); }},
      {"RaceEach",
       [elements](auto child) { return RaceEach(elements, [&](int) { return child(); }); }},
      {"ForEach",
       [elements](auto child) {
         return ForEach(elements, {.max_concurrent = kChildren}, [&](int) { return child(); });
       },
       /*begins_in_cancelled_scope=*/false},
      {"Map",
       [elements](auto child) {
         return Map(elements, {.max_concurrent = kChildren},
                    [&](int) -> absl::StatusOr<int> {
                      if (absl::Status s = child(); !s.ok()) return s;
                      return 1;
                    })
             .status();
       },
       /*begins_in_cancelled_scope=*/false},
      {"CollectEach",
       [elements](auto child) {
         return CollectEach(elements, {.max_concurrent = kChildren},
                            [&](int) { return child(); })[0];
       },
       /*begins_in_cancelled_scope=*/false},
  };
}

class JoinCancellationTest : public ::testing::TestWithParam<Join> {
 protected:
  // On a child of a group that is cancelled while the join waits; the outcome of the join.
  absl::Status CallAndCancel(const std::function<absl::Status()>& child) {
    TaskGroup group({.on_failure = OnFailure::kWaitForAll});
    Task<void> joined = group.Spawn([&] { return GetParam().call(child); });
    WaitAllBlocked();
    group.Cancel(CancelCause::kDrain, "rollout");
    group.Wait().IgnoreError();
    return joined.status();
  }
};

TEST_P(JoinCancellationTest, CancelledWhileItWaitsItEndsWithItsChildren) {
  ForEachShuffle(5, [this](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([this] {
      const absl::Time start = weft::Now();
      int ended = 0;
      const absl::Status joined = CallAndCancel([&] {
        absl::Status status = weft::SleepFor(absl::Hours(1));
        EXPECT_EQ(status.message(), "cancelled: drain: rollout (while sleeping)");
        ++ended;
        return status;
      });
      EXPECT_EQ(joined.code(), absl::StatusCode::kCancelled);
      EXPECT_EQ(joined.message().substr(0, 25), "cancelled: drain: rollout");
      EXPECT_EQ(ended, kChildren);
      EXPECT_EQ(weft::Now(), start);
    });
  });
}

TEST_P(JoinCancellationTest, ItStaysUntilTheChildrenHaveCleanedUp) {
  TestRuntime().Run([this] {
    const absl::Time start = weft::Now();
    int cleaned_up = 0;
    const absl::Status joined = CallAndCancel([&] {
      absl::Status status = weft::SleepFor(absl::Hours(1));
      CancelScope clean_up({.shield = true});
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(5)).ok());
      ++cleaned_up;
      return status;
    });
    EXPECT_EQ(joined.code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(cleaned_up, kChildren);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(5));
  });
}

TEST_P(JoinCancellationTest, ChildrenThatSucceedAllTheSameMakeItSucceed) {
  TestRuntime().Run([this] {
    EXPECT_TRUE(CallAndCancel([] {
                  weft::SleepFor(absl::Hours(1)).IgnoreError();
                  return absl::OkStatus();
                }).ok());
  });
}

TEST_P(JoinCancellationTest, EndsAtTheScopesDeadline) {
  TestRuntime().Run([this] {
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Seconds(2)});
    EXPECT_EQ(GetParam().call([] { return weft::SleepFor(absl::Hours(1)); }).code(),
              absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
  });
}

TEST_P(JoinCancellationTest, EndsAtOnceInACancelledScope) {
  TestRuntime().Run([this] {
    const absl::Time start = weft::Now();
    int begun = 0;
    CancelScope scope;
    scope.Cancel(CancelCause::kClientGone);
    const absl::Status joined = GetParam().call([&] {
      ++begun;
      return weft::SleepFor(absl::Hours(1));
    });
    EXPECT_EQ(joined.code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(begun, GetParam().begins_in_cancelled_scope ? kChildren : 0);
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(JoinCancellationTest, EndsAtOnceAfterTheScopesDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(2)});
    runtime.clock().Advance(absl::Seconds(3));
    const absl::Time start = weft::Now();
    EXPECT_EQ(GetParam().call([] { return weft::SleepFor(absl::Hours(1)); }).code(),
              absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(JoinCancellationTest, BehindAShieldTheChildrenGoOn) {
  TestRuntime().Run([this] {
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([&] {
      CancelScope shield({.shield = true});
      return GetParam().call([] { return weft::SleepFor(absl::Hours(1)); });
    });
    WaitAllBlocked();
    group.Cancel();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_GE(weft::Now() - start, absl::Hours(1));
  });
}

INSTANTIATE_TEST_SUITE_P(All, JoinCancellationTest, ::testing::ValuesIn(Joins()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weft
