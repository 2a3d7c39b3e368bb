#include "platform/observability/metrics/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace weft::observability {
namespace {

using ::testing::HasSubstr;

void AddGauge(prometheus::Registry& registry, const std::string& name, const std::string& label) {
  prometheus::BuildGauge().Name(name).Help("Some.").Register(registry).Add({{"l", label}}).Set(1);
}

TEST(MetricsRegistry, FamiliesOfOneNameAreMergedAndSorted) {
  prometheus::Registry first;
  AddGauge(first, "b", "1");
  AddGauge(first, "a", "1");
  prometheus::Registry second;
  AddGauge(second, "b", "2");
  MetricsRegistry registry;
  auto of_first = registry.Add(first);
  auto of_second = registry.Add(second);
  EXPECT_EQ(RenderMetrics(registry),
            "# HELP a Some.\n# TYPE a gauge\na{l=\"1\"} 1\n"
            "# HELP b Some.\n# TYPE b gauge\nb{l=\"1\"} 1\nb{l=\"2\"} 1\n");
}

TEST(MetricsRegistry, AnEndedRegistrationIsNotReadAnyMore) {
  MetricsRegistry registry;
  {
    prometheus::Registry gone;
    AddGauge(gone, "a", "1");
    auto registration = registry.Add(gone);
    EXPECT_THAT(RenderMetrics(registry), HasSubstr("a{"));
  }
  EXPECT_EQ(RenderMetrics(registry), "");
}

TEST(MetricsRegistry, AMovedRegistrationEndsOnce) {
  MetricsRegistry registry;
  prometheus::Registry own;
  AddGauge(own, "a", "1");
  auto first = registry.Add(own);
  auto second = std::move(first);
  first.Reset();
  EXPECT_THAT(RenderMetrics(registry), HasSubstr("a{"));
  second = MetricsRegistry::Registration();
  EXPECT_EQ(RenderMetrics(registry), "");
}

TEST(MetricsRegistry, MayGoBeforeItsRegistrations) {
  auto registry = std::make_unique<MetricsRegistry>();
  prometheus::Registry own;
  auto registration = registry->Add(own);
  registry.reset();
  registration.Reset();
}

TEST(MetricsRegistry, FamiliesWithoutSamplesAreLeftOut) {
  MetricsRegistry registry;
  prometheus::Registry own;
  prometheus::BuildCounter().Name("empty_total").Register(own);
  auto registration = registry.Add(own);
  EXPECT_EQ(RenderMetrics(registry), "");
}

}  // namespace
}  // namespace weft::observability
