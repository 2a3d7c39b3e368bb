// What every cancel point promises, as a test suite for whatever parks:
//
//   INSTANTIATE_TEST_SUITE_P(All, CancelPointTest, ::testing::ValuesIn(CancelPoints()),
//                            NameOfCancelPoint());
#ifndef WEFT_PLATFORM_FIBER_CANCEL_POINT_SUITE_H_
#define WEFT_PLATFORM_FIBER_CANCEL_POINT_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {

struct CancelPoint {
  std::string name;
  // Makes, on a fiber, what the call waits for in vain, and returns the call, which owns it.
  std::function<std::function<absl::Status()>()> prepare;
};

struct NameOfCancelPoint {
  std::string operator()(const ::testing::TestParamInfo<CancelPoint>& info) const {
    return info.param.name;
  }
};

class CancelPointTest : public ::testing::TestWithParam<CancelPoint> {};

TEST_P(CancelPointTest, EndsWhenTheScopeIsCancelledDuringThePark) {
  TestRuntime().Run([this] {
    const std::function<absl::Status()> park = GetParam().prepare();
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([&] { return park(); });
    WaitAllBlocked();
    group.Cancel(CancelCause::kDrain);
    const absl::Status status = group.Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_EQ(status.message().substr(0, 16), "cancelled: drain");
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(CancelPointTest, EndsAtOnceInACancelledScope) {
  TestRuntime().Run([this] {
    const std::function<absl::Status()> park = GetParam().prepare();
    const absl::Time start = weft::Now();
    CancelScope scope;
    scope.Cancel(CancelCause::kClientGone);
    EXPECT_EQ(park().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(CancelPointTest, EndsAtTheScopesDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    const std::function<absl::Status()> park = GetParam().prepare();
    const absl::Time start = weft::Now();
    TaskGroup group({.deadline = start + absl::Seconds(2)});
    group.Spawn([&] { return park(); });
    WaitAllBlocked();
    runtime.clock().Advance(absl::Seconds(2));  // By hand: a job runs, so it does not jump.
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
  });
}

TEST_P(CancelPointTest, EndsAtOnceAfterTheScopesDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    const std::function<absl::Status()> park = GetParam().prepare();
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(2)});
    runtime.clock().Advance(absl::Seconds(3));
    const absl::Time start = weft::Now();
    EXPECT_EQ(park().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now(), start);
  });
}

TEST_P(CancelPointTest, IsDeafBehindAShield) {
  TestRuntime().Run([this] {
    const std::function<absl::Status()> park = GetParam().prepare();
    TaskGroup group;
    CancelScope* shield = nullptr;
    group.Spawn([&] {
      CancelScope scope({.shield = true});
      shield = &scope;
      return park();
    });
    WaitAllBlocked();
    group.Cancel();
    WaitAllBlocked();
    EXPECT_EQ(group.running(), 1u);
    shield->Cancel(CancelCause::kOverload);
    EXPECT_EQ(group.Wait().message().substr(0, 19), "cancelled: overload");
  });
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CANCEL_POINT_SUITE_H_
