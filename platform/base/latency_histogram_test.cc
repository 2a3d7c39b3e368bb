#include "platform/base/latency_histogram.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

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

TEST(LatencyHistogram, BoundsGrow) {
  for (size_t i = 1; i < LatencyHistogram::kBoundsNanos.size(); ++i) {
    EXPECT_LT(LatencyHistogram::kBoundsNanos[i - 1], LatencyHistogram::kBoundsNanos[i]);
  }
}

TEST(LatencyHistogram, ZeroIsInTheFirstBucket) {
  LatencyHistogram histogram;
  histogram.Record(0);
  EXPECT_EQ(histogram.Read().counts[0], 1u);
  EXPECT_EQ(histogram.Read().sum_seconds, 0);
}

TEST(LatencyHistogram, WritersOnSeveralThreadsLoseNothing) {
  LatencyHistogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) histogram.Record(j * 1'000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const LatencyHistogram::Reading reading = histogram.Read();
  EXPECT_EQ(reading.count, 40'000u);
  EXPECT_EQ(reading.counts[0], 4 * 11u);  // 0 … 10 µs, inclusive
  EXPECT_NEAR(reading.sum_seconds, 4 * 49.995e6 * 1e-6, 1e-6);
}

}  // namespace
}  // namespace weft
