#include "platform/rpc/admission/start_delay.h"

#include <gtest/gtest.h>

namespace weft::rpc {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

class StartDelayTest : public testing::Test {
 protected:
  // A call a millisecond for so long, each having waited for `delay_nanos`.
  void Run(int milliseconds, int64_t delay_nanos) {
    for (int i = 0; i < milliseconds; ++i) {
      now_nanos_ += kMillisecond;
      delay_.Started(delay_nanos, now_nanos_);
    }
  }

  StartDelay delay_{{}};
  int64_t now_nanos_ = 1'000'000 * kMillisecond;
};

TEST_F(StartDelayTest, DelaysBelowTheTargetAreNoOverload) {
  Run(10'000, 4 * kMillisecond);
  EXPECT_FALSE(delay_.overloaded());
}

TEST_F(StartDelayTest, DelaysAboveTheTargetForAnIntervalAreOverload) {
  Run(90, 6 * kMillisecond);
  EXPECT_FALSE(delay_.overloaded());
  Run(60, 6 * kMillisecond);
  EXPECT_TRUE(delay_.overloaded());
}

TEST_F(StartDelayTest, ABurstIsNone) {
  for (int i = 0; i < 20; ++i) {
    Run(80, 50 * kMillisecond);
    Run(20, 0);
  }
  EXPECT_FALSE(delay_.overloaded());
}

TEST_F(StartDelayTest, AThreadThatStoodStillIsNone) {
  for (int i = 0; i < 20; ++i) {
    Run(50, 0);
    now_nanos_ += 500 * kMillisecond;
    for (int j = 0; j < 500; ++j) delay_.Started(250 * kMillisecond, now_nanos_);
  }
  EXPECT_FALSE(delay_.overloaded());
}

TEST_F(StartDelayTest, FewCallsAreNone) {
  for (int i = 0; i < 100; ++i) {
    now_nanos_ += 50 * kMillisecond;
    delay_.Started(20 * kMillisecond, now_nanos_);
    EXPECT_FALSE(delay_.overloaded());
  }
}

TEST_F(StartDelayTest, TheFirstOfEachBatchHidesNoOverload) {
  for (int batch = 0; batch < 30; ++batch) {
    now_nanos_ += 10 * kMillisecond;
    for (int i = 0; i < 20; ++i) delay_.Started(i * kMillisecond / 2, now_nanos_);
  }
  EXPECT_TRUE(delay_.overloaded());
}

TEST_F(StartDelayTest, LastsUntilAnIntervalWithoutDelays) {
  Run(200, 6 * kMillisecond);
  ASSERT_TRUE(delay_.overloaded());
  for (int i = 0; i < 10; ++i) {
    Run(60, 0);
    Run(20, 6 * kMillisecond);
  }
  EXPECT_TRUE(delay_.overloaded());
  Run(130, 0);
  EXPECT_FALSE(delay_.overloaded());
}

}  // namespace
}  // namespace weft::rpc
