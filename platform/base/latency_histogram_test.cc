#include "platform/base/latency_histogram.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(LatencyHistogram, BoundsAreInclusive) {
  LatencyHistogram histogram;
  histogram.Record(10'000);
  histogram.Record(10'001);
  const LatencyHistogram::Reading reading = histogram.Read();
  EXPECT_EQ(reading.counts[0], 1u);
  EXPECT_EQ(reading.counts[1], 1u);
  EXPECT_EQ(reading.count, 2u);
  EXPECT_DOUBLE_EQ(reading.sum_seconds, 20'001e-9);
}

TEST(LatencyHistogram, LargerThanAllGoesToTheLastBucket) {
  LatencyHistogram histogram;
  histogram.Record(LatencyHistogram::kBoundsNanos.back() + 1);
  EXPECT_EQ(histogram.Read().counts.back(), 1u);
}

}  // namespace
}  // namespace weft
