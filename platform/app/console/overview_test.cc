#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/app/console/made_up_metrics.h"
#include "platform/app/console/overview_script.h"
#include "platform/app/console/overview_view.h"

namespace weft::app {
namespace {

using prometheus::ClientMetric;
using testing::HasSubstr;
using testing::Not;

ClientMetric Calls(const std::string& method, const std::string& status, uint64_t count) {
  ClientMetric metric;
  metric.label = {{"grpc_method", method}, {"grpc_status", status}};
  metric.histogram.sample_count = count;
  metric.histogram.bucket = {{count, 0.002}, {count, 0.004}};
  return metric;
}

OverviewView Some() {
  const std::string get = "shop.v1.Shop/Get<";
  OverviewView view = MakeOverview(
      Readings({Family("process_start_time_seconds", {Value({}, 1000)}),
                Family("weft_calls_in_flight", {Value({}, 3)}),
                Family("grpc_server_call_started_total",
                       {Value({{"grpc_method", get}}, 12),
                        Value({{"grpc_method", "grpc.health.v1.Health/Check"}}, 100)}),
                Family("grpc_server_call_duration_seconds",
                       {Calls(get, "OK", 8), Calls(get, "INTERNAL", 2),
                        Calls("grpc.health.v1.Health/Check", "OK", 100)}),
                Family("weft_fibers", {Value({{"shard", "0"}, {"state", "parked"}}, 4),
                                       Value({{"shard", "1"}, {"state", "parked"}}, 1)}),
                Family("weft_admission_shed_total", {Value({}, 5)})}),
      /*now=*/1010);
  view.title = "pricing 1.4.0";
  return view;
}

TEST(Overview, CountsTheServicesOwnCalls) {
  const OverviewView view = Some();
  EXPECT_EQ(view.up_seconds, 10);
  EXPECT_EQ(view.in_flight, 3);
  EXPECT_EQ(view.latency.total(), 10) << "without health checks";
  EXPECT_EQ(view.not_ok, 2);
  EXPECT_EQ(view.turned_away, 5);
  EXPECT_EQ(view.fibers.at("parked"), 5);
  ASSERT_EQ(view.methods.size(), 1u);
  EXPECT_EQ(view.methods[0].not_ok, 2);
}

TEST(Overview, TextIsAFewLines) {
  const std::string text = OverviewAsText(Some());
  EXPECT_THAT(text, HasSubstr("pricing 1.4.0: ready; up 10s\n"));
  EXPECT_THAT(text, HasSubstr("3 in flight, 10 ended, 2 of them not OK; p50 1ms, p99 1.98ms\n"));
  EXPECT_THAT(text, HasSubstr("loop lag: none yet\n"));
  EXPECT_THAT(text, testing::ContainsRegex("shop.v1.Shop/Get< +10 +2 +1ms"));
  OverviewView draining = Some();
  draining.not_ready = "draining";
  EXPECT_THAT(OverviewAsText(draining), HasSubstr("not ready: draining"));
}

TEST(Overview, JsonHasWhatTheScriptReads) {
  const nlohmann::json json = nlohmann::json::parse(OverviewAsJson(Some()));
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["latency"]["counts"].back(), 10);
  EXPECT_EQ(json["loop_lag"]["counts"].size(), 0u);
  EXPECT_EQ(json["methods"][0]["method"], "shop.v1.Shop/Get<");
  for (const auto& [key, value] : json.items()) {
    if (key == "title") continue;
    EXPECT_THAT(std::string(kOverviewScript), HasSubstr(key)) << "nobody reads it";
  }
}

TEST(Overview, HtmlShowsValuesWithoutTheScriptToo) {
  OverviewView view = Some();
  view.not_ready = "draining";
  const std::string html = OverviewAsHtml(view);
  EXPECT_THAT(html, HasSubstr("not ready: draining"));
  EXPECT_THAT(html, HasSubstr("id=\"rate\"><h2>Calls per second</h2><p>1.0</p>"));
  EXPECT_THAT(html, HasSubstr("id=\"latency\"><h2>Latency, p50 / p99</h2><p>1ms / 1.98ms</p>"));
  EXPECT_THAT(html, HasSubstr("data-method=\"shop.v1.Shop/Get&lt;\""));
  EXPECT_THAT(html, Not(HasSubstr("Get<")));
  EXPECT_THAT(html, HasSubstr("<script src=\"/debug/overview.js\"></script>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"/\" aria-current=\"page\">Overview</a>"));
}

}  // namespace
}  // namespace weft::app
