#include "platform/app/console/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/app/console/made_up_metrics.h"

namespace weft::app {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Report Example() {
  return {.title = "Things",
          .path = "/debug/shards",
          .lines = {"a line"},
          .alarms = {"something <burns>"},
          .tables = {{.key = "things",
                      .title = "All things",
                      .columns = {{"name", "Name"}, {"size", "Size"}, {"note", "Note"}},
                      .rows = {{{"one", ReportCell(1024, "1.0 KiB"), ""}, {"main()", "f<int>()"}},
                               {{"another", 7.0, "x"}, {}}},
                      .details_key = "stack"},
                     {.key = "none",
                      .title = "Nothing",
                      .columns = {{"name", "Name"}},
                      .rows = {},
                      .none = "there is nothing"}}};
}

TEST(Report, TextIsAlignedAndDetailsStandUnderTheirRow) {
  EXPECT_EQ(ReportAsText(Example()),
            "ALARM: something <burns>\na line\n\nAll things\nName     Size     Note\n"
            "one      1.0 KiB  -\n    main()\n    f<int>()\nanother  7        x\n"
            "\nNothing\nthere is nothing\n");
}

TEST(Report, JsonHasNumbersWhereThereAreSome) {
  const nlohmann::json json = nlohmann::json::parse(ReportAsJson(Example()));
  EXPECT_EQ(json["things"][0]["size"], 1024);
  EXPECT_EQ(json["things"][0]["stack"][1], "f<int>()");
  EXPECT_EQ(json["things"][1]["name"], "another");
  EXPECT_EQ(json["none"].size(), 0u);
  EXPECT_EQ(json["alarms"][0], "something <burns>");
}

TEST(Report, HtmlIsEscapedAndDetailsOpen) {
  const std::string html = ReportAsHtml(Example());
  EXPECT_THAT(html, HasSubstr("<p class=\"alarm\">something &lt;burns&gt;</p>"));
  EXPECT_THAT(html,
              HasSubstr("<details><summary>one</summary><pre>main()\nf&lt;int&gt;()\n</pre>"));
  EXPECT_THAT(html, HasSubstr("<td data-label=\"Size\">1.0 KiB</td>"));
  EXPECT_THAT(html, HasSubstr("there is nothing"));
}

TEST(Report, IsShownInTheFormatThatIsAskedFor) {
  EXPECT_THAT(ShowReport({}, Example()).body, HasSubstr("ALARM"));
  EXPECT_EQ(ShowReport({.query = {{"format", "json"}}}, Example()).content_type,
            "application/json");
  EXPECT_THAT(ShowReport({.accept = "text/html"}, Example()).content_type, HasSubstr("text/html"));
  EXPECT_EQ(ShowReport({.query = {{"format", "xml"}}}, Example()).status, 400);
}

TEST(ShardsReport, HasARowForEachShardAndPool) {
  const Readings readings(
      {Family("process_start_time_seconds", {Value({}, 1000)}),
       Family("weft_connections_open", {Value({}, 2)}),
       Family("weft_fibers", {Value({{"shard", "2"}, {"state", "parked"}}, 4),
                              Value({{"shard", "10"}, {"state", "ready"}}, 1)}),
       Family("weft_loop_busy_seconds_total", {Value({{"shard", "2"}}, 5)}),
       Family("weft_blocking_threads", {Value({{"pool", "files"}}, 3)}),
       Family("weft_admission_limit", {Value({{"shard", "2"}}, 1000)}),
       Family("weft_admission_overloaded", {Value({{"shard", "2"}}, 1)}),
       Family("weft_admission_shed_total",
              {Value({{"criticality", "sheddable"}, {"reason", "delay"}}, 9)}),
       Family("weft_stacks", {Value({{"shard", "2"}, {"size", "small"}}, 6)}),
       Family("weft_stack_bytes", {Value({{"shard", "2"}, {"size", "small"}}, 65536)})});
  const std::string text = ReportAsText(ShardsReport(readings, 1010));
  EXPECT_THAT(text, HasSubstr("2 connections, 0 accepted so far, 0 refused\n"));
  EXPECT_THAT(text, ContainsRegex("\n2 +50.0 % +0 +0 +4 .*\n10 +0.0 % +0 +1 +0 "));
  EXPECT_THAT(text, ContainsRegex("\nfiles +3 "));
  EXPECT_THAT(text, ContainsRegex("\n2 +1000 +0 +0 +yes"));
  EXPECT_THAT(text, ContainsRegex("\nsheddable +delay +9"));
  EXPECT_THAT(text, ContainsRegex("\n2 +small +64.0 KiB +6"));
  EXPECT_THAT(ReportAsText(ShardsReport(Readings({}), 1010)),
              HasSubstr("switched off: admission.enabled"));
}

TEST(StallsReport, HasTheStackAndTheWholeLength) {
  const StallReport report = {.shard = 1,
                              .fiber_id = 17,
                              .fiber_name = "shop.v1.Shop/Get",
                              .trace_id = "4bf9",
                              .nanos = 25'000'000,
                              .cause = StallCause::kBlocks,
                              .stack = {"nanosleep", "shop::Legacy::Fetch()"},
                              .suppressed = 3};
  StallReport loop = {.nanos = 30'000'000, .no_stack = "it was over"};
  const absl::Time when = absl::FromUnixMillis(1'795'262'584'123);
  const std::string text = ReportAsText(StallsReport(
      {{.report = report, .when = when, .over = true, .whole_nanos = 200'000'000},
       {.report = loop, .when = when}},
      Readings({Family("weft_stalls_total", {Value({{"shard", "1"}, {"cause", "blocks"}}, 4)})}),
      when + absl::Seconds(1)));
  EXPECT_THAT(text, ContainsRegex("shop.v1.Shop/Get +2026-11-21 12:03:04.123 +200ms +blocks its "
                                  "thread +1 +17 +4bf9 +3\n    nanosleep\n    shop::Legacy"));
  EXPECT_THAT(text, ContainsRegex("the shard's loop .* 1.03s so far .*\n    it was over\n"));
  EXPECT_THAT(text, ContainsRegex("\n1 +blocks +4\n"));
}

TEST(HeapReport, TellsWhatIsInUse) {
  const std::string before = ReportAsJson(HeapReport(Readings({})));
  const std::vector<char> block(100 << 20, 'x');
  const std::string after = ReportAsJson(HeapReport(Readings({})));
  const auto mapped = [](const std::string& json) {
    return nlohmann::json::parse(json)["heap"][1]["bytes"].get<double>();
  };
#ifndef WEFT_SANITIZER  // which brings a malloc of its own
  EXPECT_GE(mapped(after) - mapped(before), 100 << 20);
#else
  EXPECT_GE(mapped(after), 0);
#endif
}

TEST(ConfigReport, HasOriginsAndNoSecrets) {
  const std::vector<ConfigKey> keys = {{.name = "password", .value = "", .secret = true},
                                       {.name = "shards", .value = 0}};
  CommandLine line;
  line.flags = {{"password", "sesame"}};
  const std::string text = ReportAsText(ConfigReport(*LoadConfig(keys, line)));
  EXPECT_THAT(text, ContainsRegex("password +\\(secret\\) +flag"));
  EXPECT_THAT(text, ContainsRegex("shards +0 +default"));
  EXPECT_THAT(text, Not(HasSubstr("sesame")));
}

}  // namespace
}  // namespace weft::app
