#include "platform/observability/metrics/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "platform/observability/metrics/registry.h"

namespace weft::observability {
namespace {

using ::testing::HasSubstr;

constexpr std::array<double, 2> kBounds = {1, 2.5};
constexpr Metric kHistogram = {"h", MetricType::kHistogram, "1", "test", "Some.", {"a"}, kBounds};
constexpr Metric kCounter = {"c_total", MetricType::kCounter, "1", "test", "Some.", {"a", "b"}};

class One final : public prometheus::Collectable {
 public:
  explicit One(prometheus::MetricFamily family) : family_(std::move(family)) {}
  std::vector<prometheus::MetricFamily> Collect() const override { return {family_}; }

 private:
  prometheus::MetricFamily family_;
};

TEST(Families, HistogramIsRenderedCumulatively) {
  prometheus::MetricFamily family = MakeFamily(kHistogram);
  const uint64_t counts[] = {3, 0, 2};
  AddHistogram(family, kHistogram, {"x"}, counts, 12.5);
  const std::string text = RenderMetrics(One(family));
  EXPECT_EQ(text,
            "# HELP h Some.\n"
            "# TYPE h histogram\n"
            "h_count{a=\"x\"} 5\n"
            "h_sum{a=\"x\"} 12.5\n"
            "h_bucket{a=\"x\",le=\"1\"} 3\n"
            "h_bucket{a=\"x\",le=\"2.5\"} 3\n"
            "h_bucket{a=\"x\",le=\"+Inf\"} 5\n");
}

TEST(Families, CounterTakesLabelsInTheOrderOfItsDefinition) {
  prometheus::MetricFamily family = MakeFamily(kCounter);
  AddSample(family, kCounter, {"x", "y"}, 7);
  EXPECT_THAT(RenderMetrics(One(family)), HasSubstr("c_total{a=\"x\",b=\"y\"} 7\n"));
}

TEST(FamiliesDeathTest, AMissingLabelEndsTheProcess) {
  prometheus::MetricFamily family = MakeFamily(kCounter);
  EXPECT_DEATH(AddSample(family, kCounter, {"x"}, 7), "one value for each label");
}

}  // namespace
}  // namespace weft::observability
