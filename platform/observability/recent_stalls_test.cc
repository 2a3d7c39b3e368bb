#include "platform/observability/recent_stalls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weft::observability {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

StallReport Of(uint64_t fiber, int shard = 0) {
  return {.shard = shard, .fiber_id = fiber, .nanos = 30'000'000, .stack = {"nanosleep"}};
}

TEST(RecentStalls, TheNewestComesFirstAndTheOldestMakeRoom) {
  RecentStalls stalls;
  EXPECT_THAT(stalls.List(), IsEmpty());
  for (uint64_t fiber = 1; fiber <= kMaxRecentStalls + 10; ++fiber) {
    stalls.Add(Of(fiber), absl::FromUnixSeconds(static_cast<int64_t>(fiber)));
  }
  const std::vector<RecentStall> list = stalls.List();
  ASSERT_THAT(list, SizeIs(kMaxRecentStalls));
  EXPECT_EQ(list.front().report.fiber_id, kMaxRecentStalls + 10);
  EXPECT_EQ(list.back().report.fiber_id, 11u);
  EXPECT_EQ(list.front().report.stack[0], "nanosleep");
}

TEST(RecentStalls, TheEndTellsTheWholeLengthOfTheLatestStallOfItsFiber) {
  RecentStalls stalls;
  stalls.Add(Of(7), absl::FromUnixSeconds(1));
  stalls.End({.shard = 0, .fiber_id = 7, .nanos = 100, .reported = true});
  stalls.Add(Of(7), absl::FromUnixSeconds(2));
  stalls.Add(Of(8), absl::FromUnixSeconds(3));
  stalls.End({.shard = 0, .fiber_id = 7, .nanos = 200, .reported = true});
  const std::vector<RecentStall> list = stalls.List();
  EXPECT_FALSE(list[0].over);
  EXPECT_EQ(list[1].whole_nanos, 200);
  EXPECT_EQ(list[2].whole_nanos, 100);
}

TEST(RecentStalls, AnEndThatWasNotReportedOrIsOfAnotherShardChangesNothing) {
  RecentStalls stalls;
  stalls.Add(Of(7), absl::FromUnixSeconds(1));
  stalls.End({.shard = 0, .fiber_id = 7, .nanos = 100, .reported = false});
  stalls.End({.shard = 1, .fiber_id = 7, .nanos = 100, .reported = true});
  EXPECT_FALSE(stalls.List()[0].over);
}

}  // namespace
}  // namespace weft::observability
