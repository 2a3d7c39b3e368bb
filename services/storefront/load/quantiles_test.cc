#include "services/storefront/load/quantiles.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace storefront {
namespace {

TEST(Quantiles, EmptyIsZero) { EXPECT_EQ(Quantiles().At(0.99), absl::ZeroDuration()); }

TEST(Quantiles, SmallDurationsAreExact) {
  Quantiles quantiles;
  for (int i = 1; i <= 10; ++i) quantiles.Record(absl::Microseconds(i));
  EXPECT_EQ(quantiles.At(0.5), absl::Microseconds(5));
  EXPECT_EQ(quantiles.At(1), absl::Microseconds(10));
}

TEST(Quantiles, OutOfRangeStaysInTheLastBucket) {
  Quantiles quantiles;
  quantiles.Record(absl::InfiniteDuration());
  quantiles.Record(-absl::Seconds(1));
  EXPECT_EQ(quantiles.count(), 2u);
  EXPECT_EQ(quantiles.At(0.5), absl::ZeroDuration());
  EXPECT_GT(quantiles.At(1), absl::Hours(19));
}

// Against the slow way: sort all and look.
TEST(Quantiles, WithinOneSixteenthOfTheSortedValues) {
  std::mt19937_64 random(1);
  Quantiles one, other;
  std::vector<int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    const double exponent = std::uniform_real_distribution<>(0, 25)(random);
    const int64_t micros = static_cast<int64_t>(std::exp2(exponent));
    all.push_back(micros);
    (i % 2 ? one : other).Record(absl::Microseconds(micros));
  }
  one.Add(other);
  std::sort(all.begin(), all.end());
  ASSERT_EQ(one.count(), all.size());
  for (const double share : {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const int64_t exact = all[static_cast<size_t>(std::ceil(share * all.size())) - 1];
    const int64_t got = absl::ToInt64Microseconds(one.At(share));
    EXPECT_GE(got, exact) << share;
    EXPECT_LE(got, exact + exact / 16 + 1) << share;
  }
}

}  // namespace
}  // namespace storefront
