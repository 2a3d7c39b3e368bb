#include "platform/fiber/internal/stall_tracker.h"

#include <gtest/gtest.h>

namespace weft::internal {
namespace {

constexpr int64_t kMilli = 1'000'000;
constexpr int64_t kSecond = 1000 * kMilli;
constexpr int64_t kThreshold = 20 * kMilli;

// A shard, a thread and the watchdog's clock, in words.
class StallTrackerTest : public testing::Test {
 protected:
  StallTracker::Verdict LookAt(int64_t now_nanos) {
    now_nanos_ = now_nanos;
    return tracker_.Look({.now_nanos = now_nanos,
                          .run = run_,
                          .run_nanos = run_ == 0 ? 0 : now_nanos - run_begin_nanos_,
                          .cpu_nanos = cpu_nanos_,
                          .overslept_nanos = overslept_nanos_},
                         [this] { return state_; });
  }
  void BeginRun(int64_t now_nanos) {
    run_ = ++last_run_;
    run_begin_nanos_ = now_nanos;
  }
  void Wait() { run_ = 0; }
  // A run from `begin` that is seen at once and again when it is due, having computed meanwhile.
  StallTracker::Verdict Stall(int64_t begin_nanos) {
    BeginRun(begin_nanos);
    const StallTracker::Verdict first = LookAt(begin_nanos);
    EXPECT_EQ(first.next_nanos, kThreshold);
    cpu_nanos_ += kThreshold;
    return LookAt(begin_nanos + kThreshold);
  }

  StallTracker tracker_{kThreshold, kSecond};
  uint64_t run_ = 0;
  uint64_t last_run_ = 0;
  int64_t run_begin_nanos_ = 0;
  int64_t now_nanos_ = 0;
  int64_t cpu_nanos_ = 0;
  int64_t overslept_nanos_ = 0;
  ThreadState state_ = ThreadState::kRunnable;
};

TEST_F(StallTrackerTest, AWaitingShardIsLeftAlone) {
  const StallTracker::Verdict verdict = LookAt(kSecond);
  EXPECT_FALSE(verdict.report);
  EXPECT_EQ(verdict.next_nanos, StallTracker::kNever);
}

TEST_F(StallTrackerTest, ARunIsAStallFromTheThresholdOn) {
  BeginRun(5 * kMilli);
  StallTracker::Verdict verdict = LookAt(12 * kMilli);
  EXPECT_FALSE(verdict.report);
  EXPECT_EQ(verdict.next_nanos, kThreshold - 7 * kMilli);
  cpu_nanos_ = 13 * kMilli;
  verdict = LookAt(25 * kMilli);
  EXPECT_TRUE(verdict.report);
  EXPECT_EQ(tracker_.cause(), StallCause::kComputes);
}

TEST_F(StallTrackerTest, ShortRunsOneAfterTheOtherAreNone) {
  for (int64_t now = 0; now < kSecond; now += 19 * kMilli) {
    BeginRun(now);
    cpu_nanos_ += 19 * kMilli;
    EXPECT_FALSE(LookAt(now + 19 * kMilli - 1).report);
  }
}

// The first look at a run that is old already cannot tell what it did; the second one can.
TEST_F(StallTrackerTest, AnOldRunIsLookedAtTwice) {
  BeginRun(0);
  const StallTracker::Verdict verdict = LookAt(3 * kThreshold);
  EXPECT_FALSE(verdict.report);
  EXPECT_EQ(verdict.next_nanos, kThreshold / 4);
  EXPECT_TRUE(LookAt(now_nanos_ + verdict.next_nanos).report);
}

TEST_F(StallTrackerTest, WithoutCpuTheThreadsStateTellsTheCause) {
  state_ = ThreadState::kAsleep;
  BeginRun(0);
  LookAt(0);
  cpu_nanos_ = kThreshold / 4;
  EXPECT_TRUE(LookAt(kThreshold).report);
  EXPECT_EQ(tracker_.cause(), StallCause::kBlocks);
  // It is awake now, but others have the CPU.
  state_ = ThreadState::kRunnable;
  LookAt(2 * kThreshold);
  EXPECT_EQ(tracker_.cause(), StallCause::kGetsNoCpu);
  // And now it has computed for as long as the threshold, if not for half of the time.
  cpu_nanos_ = kThreshold;
  LookAt(4 * kThreshold);
  EXPECT_EQ(tracker_.cause(), StallCause::kComputes);
}

TEST_F(StallTrackerTest, AStoppedProcessIsNoStall) {
  BeginRun(0);
  LookAt(kMilli);
  // SIGSTOP for ten seconds: the watchdog wanted to come at 20 ms.
  overslept_nanos_ = 10 * kSecond;
  StallTracker::Verdict verdict = LookAt(kThreshold + 10 * kSecond);
  EXPECT_TRUE(verdict.report) << "it ran for 20 ms of its own";
  Wait();
  overslept_nanos_ = 0;
  EXPECT_TRUE(LookAt(now_nanos_ + kMilli).ended);

  BeginRun(now_nanos_);
  LookAt(now_nanos_);
  const int64_t wanted_nanos = now_nanos_ + kThreshold / 2;
  overslept_nanos_ = 10 * kSecond;
  verdict = LookAt(wanted_nanos + overslept_nanos_);
  EXPECT_FALSE(verdict.report);
  EXPECT_EQ(verdict.next_nanos, kThreshold / 2);
}

TEST_F(StallTrackerTest, AThreadThatHadTheCpuWhileTheWatchdogHadNoneIsNotExcused) {
  BeginRun(0);
  LookAt(0);
  overslept_nanos_ = 2 * kThreshold;
  cpu_nanos_ = 3 * kThreshold;
  EXPECT_TRUE(LookAt(3 * kThreshold).report);
  EXPECT_EQ(tracker_.cause(), StallCause::kComputes);
}

// What it computed before the stop and after it is not diluted by the time in between.
TEST_F(StallTrackerTest, TheCauseIsThatOfTheTimeTheProcessHad) {
  BeginRun(0);
  LookAt(0);
  overslept_nanos_ = 10 * kSecond;
  cpu_nanos_ = kThreshold / 2;
  EXPECT_FALSE(LookAt(kThreshold / 2 + 10 * kSecond).report);
  overslept_nanos_ = 0;
  cpu_nanos_ += kThreshold;
  EXPECT_TRUE(LookAt(now_nanos_ + kThreshold).report);
  EXPECT_EQ(tracker_.cause(), StallCause::kComputes);
}

TEST_F(StallTrackerTest, TheEndIsToldAlsoWhenTheNextRunHasBegun) {
  EXPECT_TRUE(Stall(0).report);
  BeginRun(now_nanos_ + kMilli);
  const StallTracker::Verdict verdict = LookAt(now_nanos_ + 2 * kMilli);
  EXPECT_TRUE(verdict.ended);
  EXPECT_FALSE(verdict.report);
  EXPECT_TRUE(tracker_.reported());
  EXPECT_FALSE(LookAt(now_nanos_ + kMilli).ended);
}

TEST_F(StallTrackerTest, ReportsKeepTheirDistanceAndCountWhatTheyLeftOut) {
  EXPECT_TRUE(Stall(0).report);
  Wait();
  LookAt(now_nanos_ + kMilli);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(Stall(i * 100 * kMilli).report);
    Wait();
    EXPECT_TRUE(LookAt(now_nanos_ + kMilli).ended);
    EXPECT_FALSE(tracker_.reported());
  }
  StallTracker::Verdict verdict = Stall(2 * kSecond);
  EXPECT_TRUE(verdict.report);
  EXPECT_EQ(verdict.suppressed, 3u);
  Wait();
  LookAt(now_nanos_ + kMilli);
  EXPECT_EQ(Stall(4 * kSecond).suppressed, 0u);
}

TEST_F(StallTrackerTest, AStallThatLastsIsReportedAsSoonAsTheIntervalAllows) {
  EXPECT_TRUE(Stall(0).report);
  Wait();
  LookAt(now_nanos_ + kMilli);
  EXPECT_FALSE(Stall(100 * kMilli).report);
  const StallTracker::Verdict verdict = LookAt(now_nanos_ + kSecond);
  EXPECT_TRUE(verdict.report);
  EXPECT_EQ(verdict.suppressed, 0u);
  EXPECT_TRUE(tracker_.reported());
}

TEST_F(StallTrackerTest, AStallForWantOfCpuDoesNotKeepOneOfItsOwnFromBeingReported) {
  BeginRun(0);
  LookAt(0);
  EXPECT_TRUE(LookAt(kThreshold).report);
  EXPECT_EQ(tracker_.cause(), StallCause::kGetsNoCpu);
  EXPECT_FALSE(LookAt(2 * kThreshold).report);
  cpu_nanos_ = kThreshold;
  EXPECT_TRUE(LookAt(4 * kThreshold).report);
  EXPECT_EQ(tracker_.cause(), StallCause::kComputes);
  EXPECT_FALSE(LookAt(5 * kThreshold).report);
  Wait();
  LookAt(now_nanos_ + kMilli);

  BeginRun(now_nanos_);
  LookAt(now_nanos_);
  EXPECT_FALSE(LookAt(now_nanos_ + kThreshold).report) << "within the interval of its kind";
}

TEST_F(StallTrackerTest, AStallWithoutEndIsReportedAgainNowAndThen) {
  EXPECT_TRUE(Stall(0).report);
  EXPECT_FALSE(LookAt(5 * kSecond).report);
  EXPECT_TRUE(LookAt(11 * kSecond).report);
  EXPECT_FALSE(LookAt(12 * kSecond).report);
}

}  // namespace
}  // namespace weft::internal
