#include "tests/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace weft::load {
namespace {

TEST(LatencyHistogram, IsZeroWhenEmpty) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.Percentile(0.5), absl::ZeroDuration());
  EXPECT_EQ(histogram.max(), absl::ZeroDuration());
}

TEST(LatencyHistogram, IsExactForSmallValues) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Record(i);
  EXPECT_EQ(histogram.Percentile(0.5), absl::Nanoseconds(50));
  EXPECT_EQ(histogram.Percentile(0.99), absl::Nanoseconds(99));
  EXPECT_EQ(histogram.Percentile(1), absl::Nanoseconds(100));
}

TEST(LatencyHistogram, AgreesWithSortingToTheBucketWidth) {
  std::mt19937_64 random(20240501);
  std::lognormal_distribution<double> latencies(11, 2);  // median 60 us, a tail of seconds
  LatencyHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<int64_t>(latencies(random)));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<size_t>(fraction * static_cast<double>(values.size()));
    const auto exact = static_cast<double>(values[rank - 1]);
    const double found = absl::ToDoubleNanoseconds(histogram.Percentile(fraction));
    EXPECT_GE(found, exact) << fraction;
    EXPECT_LE(found, exact * (1 + 1.0 / 64)) << fraction;
  }
  EXPECT_EQ(histogram.max(), absl::Nanoseconds(values.back()));
}

TEST(LatencyHistogram, ClampsValuesOutOfRange) {
  LatencyHistogram histogram;
  histogram.Record(-5);
  EXPECT_EQ(histogram.Percentile(1), absl::ZeroDuration());
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.Percentile(1), absl::Nanoseconds((int64_t{1} << 43) - 1));
}

TEST(LatencyHistogram, ForgetsWhenCleared) {
  LatencyHistogram histogram;
  histogram.Record(1000);
  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.max(), absl::ZeroDuration());
}

}  // namespace
}  // namespace weft::load
