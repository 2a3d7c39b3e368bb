#include "platform/observability/calls/kept_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace weft::observability {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::SizeIs;

CallRecordPtr Took(int64_t nanos) {
  return std::make_shared<CallRecord>(CallRecord{.duration_nanos = nanos});
}

void Offer(SlowCalls& slow, int64_t nanos, int64_t now) {
  if (slow.Wants(nanos, now)) slow.Keep(Took(nanos));
}

std::vector<int64_t> Durations(const std::vector<CallRecordPtr>& calls) {
  std::vector<int64_t> durations;
  for (const CallRecordPtr& call : calls) durations.push_back(call->duration_nanos);
  std::sort(durations.begin(), durations.end());
  return durations;
}

TEST(SlowCalls, TheSlowestAreKeptWhateverTheirOrder) {
  SlowCalls slow;
  for (int64_t nanos = 1; nanos <= 100; ++nanos) Offer(slow, nanos * 37 % 101, 1);
  EXPECT_THAT(Durations(slow.All(1)), ElementsAre(93, 94, 95, 96, 97, 98, 99, 100));
}

TEST(SlowCalls, AFastCallIsNotWantedOnceThereAreEnough) {
  SlowCalls slow;
  for (int i = 0; i < static_cast<int>(kSlowCallsKept); ++i) Offer(slow, 50 + i, 1);
  EXPECT_FALSE(slow.Wants(50, 1)) << "as fast as the fastest that is kept";
  EXPECT_TRUE(slow.Wants(51, 1));
}

TEST(SlowCalls, CallsAreForgottenAfterTheNextWindow) {
  SlowCalls slow;
  Offer(slow, 1000, 1);
  Offer(slow, 10, 1 + kSlowCallsWindowNanos);
  EXPECT_THAT(Durations(slow.All(1 + kSlowCallsWindowNanos)), ElementsAre(10, 1000));
  EXPECT_THAT(Durations(slow.All(1 + 2 * kSlowCallsWindowNanos)), ElementsAre(10));
  EXPECT_THAT(slow.All(1 + 4 * kSlowCallsWindowNanos), IsEmpty()) << "nobody called meanwhile";
}

TEST(SlowCalls, ANewWindowWantsEveryCallAgain) {
  SlowCalls slow;
  for (int i = 0; i < static_cast<int>(kSlowCallsKept); ++i) Offer(slow, 1000, 1);
  EXPECT_FALSE(slow.Wants(10, 2));
  EXPECT_TRUE(slow.Wants(10, 1 + kSlowCallsWindowNanos));
}

TEST(FailedCalls, ABurstIsCountedAndItsFirstOnesAreKept) {
  FailedCalls failed;
  for (int i = 0; i < 1000; ++i) {
    if (failed.Wants(/*now_nanos=*/i)) failed.Keep(Took(i));
  }
  EXPECT_EQ(failed.total(), 1000u);
  EXPECT_THAT(failed.all(), SizeIs(kFailedCallsKept));
  EXPECT_EQ(Durations(failed.all()).back(), static_cast<int64_t>(kFailedCallsKept) - 1);
}

TEST(FailedCalls, TheLatestTakeThePlaceOfTheOldest) {
  constexpr int64_t kSecond = 1'000'000'000;
  FailedCalls failed;
  for (int64_t i = 1; i <= 100; ++i) {
    if (failed.Wants(i * kSecond)) failed.Keep(Took(i));
  }
  EXPECT_THAT(failed.all(), SizeIs(kFailedCallsKept));
  EXPECT_THAT(Durations(failed.all()), Each(Ge(100 - static_cast<int64_t>(kFailedCallsKept) + 1)));
}

}  // namespace
}  // namespace weft::observability
