#include "platform/app/console/readings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace weft::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::Pair;

ClientMetric Gauge(const std::string& shard, const std::string& state, double value) {
  ClientMetric metric;
  metric.label = {{"shard", shard}, {"state", state}};
  metric.gauge.value = value;
  return metric;
}

// Counts up to 1, up to 2 and in all.
ClientMetric Histogram(const std::string& method, uint64_t one, uint64_t two, uint64_t all) {
  ClientMetric metric;
  metric.label = {{"method", method}};
  metric.histogram.sample_count = all;
  metric.histogram.bucket = {
      {one, 1.0}, {two, 2.0}, {all, std::numeric_limits<double>::infinity()}};
  return metric;
}

Readings Some() {
  MetricFamily fibers;
  fibers.name = "fibers";
  fibers.metric = {Gauge("0", "parked", 5), Gauge("0", "ready", 1), Gauge("1", "parked", 7)};
  MetricFamily calls;
  calls.name = "calls";
  calls.metric = {Histogram("Get", 2, 4, 4), Histogram("List", 0, 0, 4)};
  return Readings({fibers, calls});
}

TEST(Readings, SumsTheSamplesThatHaveTheLabels) {
  const Readings readings = Some();
  EXPECT_EQ(readings.Sum("fibers"), 13);
  EXPECT_EQ(readings.Sum("fibers", {{"shard", "0"}}), 6);
  EXPECT_EQ(readings.Sum("fibers", {{"shard", "0"}, {"state", "ready"}}), 1);
  EXPECT_EQ(readings.Sum("fibers", {{"zone", "0"}}), 0);
  EXPECT_EQ(readings.Sum("nothing"), 0);
  EXPECT_THAT(readings.SumsBy("fibers", "state"),
              ElementsAre(Pair("parked", 12), Pair("ready", 1)));
  EXPECT_THAT(readings.Values("fibers", "shard"), ElementsAre("0", "1"));
}

TEST(Readings, AddsHistogramsUp) {
  const Distribution all = Some().Merged("calls");
  EXPECT_THAT(all.bounds, ElementsAre(1, 2));
  EXPECT_THAT(all.counts, ElementsAre(2, 4, 8));
  EXPECT_EQ(Some().Merged("calls", {{"method", "Get"}}).total(), 4);
  EXPECT_EQ(Some().Merged("nothing").total(), 0);
}

TEST(Distribution, QuantilesLieWithinTheirBucket) {
  const Distribution get = Some().Merged("calls", {{"method", "Get"}});
  EXPECT_THAT(get.Quantile(.25), DoubleEq(.5));
  EXPECT_THAT(get.Quantile(.5), DoubleEq(1));
  EXPECT_THAT(get.Quantile(.75), DoubleEq(1.5));
  EXPECT_THAT(get.Quantile(1), DoubleEq(2));
  EXPECT_EQ(Some().Merged("calls", {{"method", "List"}}).Quantile(.5), 2) << "above all bounds";
  EXPECT_EQ(Distribution().Quantile(.5), 0);
}

}  // namespace
}  // namespace weft::app
