#include "platform/rpc/internal/hedge_delay.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::rpc::internal {
namespace {

constexpr MethodDescriptor kOne = {"/test.T/One", MethodKind::kUnary};
constexpr MethodDescriptor kOther = {"/test.T/Other", MethodKind::kUnary};

// The share of values, of the distribution, above the percentile after so many of them.
template <typename Distribution>
double ShareAbove(LatencyPercentile& percentile, Distribution distribution, int values) {
  std::mt19937_64 random(17);
  for (int i = 0; i < values; ++i) percentile.Add(absl::Seconds(distribution(random)));
  int above = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (absl::Seconds(distribution(random)) > *percentile.Get()) ++above;
  }
  return above / 100'000.0;
}

TEST(LatencyPercentile, IsUnknownAtFirst) {
  LatencyPercentile percentile;
  for (int i = 0; i < LatencyPercentile::kFirstValues; ++i) {
    EXPECT_EQ(percentile.Get(), std::nullopt);
    percentile.Add(absl::Milliseconds(10));
  }
  EXPECT_TRUE(percentile.Get().has_value());
}

TEST(LatencyPercentile, FindsThe95thWhateverTheDistribution) {
  LatencyPercentile uniform;
  EXPECT_NEAR(ShareAbove(uniform, std::uniform_real_distribution<>(0.001, 0.1), 5000), 0.05, 0.03);
  LatencyPercentile exponential;
  EXPECT_NEAR(ShareAbove(exponential, std::exponential_distribution<>(100), 5000), 0.05, 0.03);
  LatencyPercentile heavy;
  EXPECT_NEAR(ShareAbove(heavy, std::lognormal_distribution<>(-5, 1.5), 5000), 0.05, 0.03);
}

TEST(LatencyPercentile, FollowsAChange) {
  LatencyPercentile percentile;
  ShareAbove(percentile, std::exponential_distribution<>(1000), 5000);
  EXPECT_NEAR(ShareAbove(percentile, std::exponential_distribution<>(10), 300), 0.05, 0.04);
}

TEST(LatencyPercentile, LeavesZero) {
  LatencyPercentile percentile;
  for (int i = 0; i < 100; ++i) percentile.Add(absl::ZeroDuration());
  for (int i = 0; i < 500; ++i) percentile.Add(absl::Milliseconds(10));
  EXPECT_GT(*percentile.Get(), absl::Milliseconds(5));
}

TEST(HedgeDelays, AreByMethod) {
  HedgeDelays delays;
  EXPECT_EQ(&delays.Of(kOne), &delays.Of(kOne));
  EXPECT_NE(&delays.Of(kOne), &delays.Of(kOther));
}

}  // namespace
}  // namespace weft::rpc::internal
