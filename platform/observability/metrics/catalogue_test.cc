#include "platform/observability/metrics/catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/match.h"

namespace weft::observability {
namespace {

TEST(Catalogue, DocumentationHoldsItsTable) {
  std::ifstream file("docs/metrics.md");
  ASSERT_TRUE(file) << "docs/metrics.md is missing";
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(absl::StrContains(text.str(), CatalogueTable()))
      << "the table of docs/metrics.md must be:\n\n"
      << CatalogueTable();
}

TEST(Catalogue, NamesFollowPrometheusRules) {
  std::set<absl::string_view> names;
  for (const Metric& metric : kCatalogue) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name << " stands there twice";
    EXPECT_EQ(absl::EndsWith(metric.name, "_total"), metric.type == MetricType::kCounter)
        << metric.name;
    if (metric.unit == "seconds") {
      EXPECT_TRUE(absl::StrContains(metric.name, "_seconds")) << metric.name;
    }
    if (metric.unit == "bytes") {
      EXPECT_TRUE(absl::StrContains(metric.name, "_bytes")) << metric.name;
    }
    EXPECT_TRUE(absl::EndsWith(metric.help, ".")) << metric.name;
  }
}

TEST(Catalogue, HistogramsAloneHaveBucketsAndTheyAscend) {
  for (const Metric& metric : kCatalogue) {
    EXPECT_EQ(!metric.buckets.empty(), metric.type == MetricType::kHistogram) << metric.name;
    EXPECT_TRUE(std::is_sorted(metric.buckets.begin(), metric.buckets.end())) << metric.name;
  }
}

TEST(Catalogue, LookUpGivesTheMetricOfThatName) {
  constexpr const Metric& metric = CataloguedMetric("weft_fibers");
  EXPECT_EQ(metric.type, MetricType::kGauge);
  EXPECT_EQ(metric.label_count(), 2u);
}

}  // namespace
}  // namespace weft::observability
