// A watchdog whose shard is the test: what real shards hardly ever do.
#include "platform/fiber/internal/watchdog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/testing/stalls.h"

namespace weft::internal {
namespace {

class WatchdogTest : public testing::Test {
 protected:
  WatchdogTest()
      : watchdog_({.threshold_nanos = 1'000'000,
                   .report_interval_nanos = 0,
                   .observer = &stalls_,
                   .name = "test"}) {
    watch_.thread = pthread_self();
    watch_.thread_id = gettid();
    pthread_getcpuclockid(watch_.thread, &watch_.cpu_clock);
    watchdog_.Start({&watch_});
  }
  ~WatchdogTest() override { watchdog_.Stop(); }

  void BeginRun() { watch_.activity = ReadCycles(); }
  void Wait() { watch_.activity = StallWatch::kWaits | ++turn_; }
  void FallAsleep() const {
    while (!watchdog_.asleep()) std::this_thread::yield();
  }

  // The test's thread has no shard that could answer, but for a while it is asked.
  void WaitUntilNoticed() const {
    while (watch_.sample.state != StallSample::State::kAsked) std::this_thread::yield();
  }

  StallRecorder stalls_;
  StallWatch watch_;
  uint64_t turn_ = 0;
  Watchdog watchdog_;
};

TEST_F(WatchdogTest, AShardWakesItAndItSeesTheStall) {
  FallAsleep();
  for (size_t i = 1; i <= 3; ++i) {
    BeginRun();
    watchdog_.ShardRuns();
    WaitUntilNoticed();
    Wait();
    stalls_.WaitForEnds(i);
    FallAsleep();
  }
  EXPECT_EQ(stalls_.reports().front().no_stack, "it was over before the thread took the signal");
  EXPECT_TRUE(stalls_.ends().front().reported);
}

TEST_F(WatchdogTest, WhatTheShardTellsOfTheEndIsTaken) {
  BeginRun();
  watchdog_.ShardRuns();
  WaitUntilNoticed();
  watch_.long_run_cycles = static_cast<uint64_t>(7e9 / NanosPerCycle());
  watch_.long_run_fiber = 12;
  watch_.long_run_start = watch_.activity.load();
  Wait();
  stalls_.WaitForEnds(1);
  EXPECT_EQ(stalls_.ends().front().fiber_id, 12u);
  EXPECT_NEAR(static_cast<double>(stalls_.ends().front().nanos), 7e9, 1e3);
}

TEST_F(WatchdogTest, AStallThatIsOverWhenItStopsIsStillTold) {
  BeginRun();
  watchdog_.ShardRuns();
  WaitUntilNoticed();
  Wait();
  watchdog_.Stop();
  EXPECT_EQ(stalls_.reports().size(), 1u);
  EXPECT_EQ(stalls_.ends().size(), 1u);
}

TEST_F(WatchdogTest, AThreadThatNeverAnswersIsGivenUp) {
  BeginRun();
  watchdog_.ShardRuns();
  stalls_.WaitForReports(1);  // after a second
  EXPECT_NE(stalls_.reports().front().no_stack.find("does not take the signal"), std::string::npos);
  Wait();
  stalls_.WaitForEnds(1);
}

}  // namespace
}  // namespace weft::internal
