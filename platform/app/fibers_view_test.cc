#include "platform/app/fibers_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weft::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<FiberInfo> ThreeFibers() {
  return {
      {.id = 7,
       .shard = 0,
       .state = "running",
       .name = "a.v1.A/Young",
       .age_nanos = 1'500,
       .state_nanos = 200},
      {.id = 12,
       .shard = 1,
       .state = "parked",
       .name = "a.v1.A/Old",
       .waits_for = "rpc reply",
       .age_nanos = 12'345'678'901,
       .state_nanos = 2'345'678,
       .deadline_left_nanos = 40'000'000,
       .trace_id = "4bf9"},
      {.id = 8,
       .shard = 0,
       .state = "parked",
       .name = "<late>",
       .waits_for = "mutex",
       .age_nanos = 2'000'000,
       .state_nanos = 1'000'000,
       .deadline_left_nanos = -5'000'000,
       .cancelled = "drain",
       .parent_id = 12,
       .owner_id = 7,
       .stack = {1, 2}},
  };
}

FibersView ViewOf(const FibersQuery& query, std::vector<FiberInfo> fibers = ThreeFibers()) {
  FibersView view = MakeFibersView(query, std::move(fibers));
  view.shards = {{.shard = 0, .running = 1, .parked = 1}, {.shard = 1, .parked = 1}};
  return view;
}

FibersQuery Parse(const std::string& query, const std::string& accept = "") {
  const absl::StatusOr<FibersQuery> parsed =
      ParseFibersQuery({.path = "/debug/fibers", .query = ParseQuery(query), .accept = accept});
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *parsed : FibersQuery();
}

// --- What is asked for ------------------------------------------------------------------------

TEST(ParseFibersQuery, NothingIsTheListAsText) {
  const FibersQuery query = Parse("");
  EXPECT_EQ(query.layout, FibersLayout::kList);
  EXPECT_EQ(query.format, PageFormat::kText);
}

TEST(ParseFibersQuery, EveryParameterIsTaken) {
  const FibersQuery query = Parse("name=A%2FOld&state=parked&min_age=1.5s&view=stacks&format=json");
  EXPECT_EQ(query.filter.name, "A/Old");
  EXPECT_EQ(query.filter.state, "parked");
  EXPECT_EQ(query.filter.min_age, absl::Milliseconds(1500));
  EXPECT_EQ(query.layout, FibersLayout::kStacks);
  EXPECT_EQ(query.format, PageFormat::kJson);
}

TEST(ParseFibersQuery, ABrowserGetsHtmlUnlessItAsksForSomethingElse) {
  EXPECT_EQ(Parse("", "text/html,*/*").format, PageFormat::kHtml);
  EXPECT_EQ(Parse("format=text", "text/html").format, PageFormat::kText);
}

TEST(ParseFibersQuery, AMistakeIsNamedWithWhatWouldBeRight) {
  const auto error = [](const char* query) {
    return std::string(ParseFibersQuery({.query = ParseQuery(query)}).status().message());
  };
  EXPECT_EQ(error("state=asleep"),
            "state=asleep is not known; it is one of parked, ready, running");
  EXPECT_EQ(error("view=graph"), "view=graph is not known; it is one of list, stacks, tree");
  EXPECT_EQ(error("format=xml"), "format=xml is not known; it is one of html, json, text");
  EXPECT_EQ(error("min_age=old"), "min_age=old is no duration; write one such as 1.5s or 200ms");
}

// --- Text -------------------------------------------------------------------------------------

TEST(FibersAsText, NoFibersIsOneLineAndTheHeadings) {
  FibersView view = MakeFibersView({}, {});
  view.shards = {{.shard = 0, .idle = 4}};
  EXPECT_EQ(FibersAsText(view),
            "0 fibers on 1 shards: 0 running, 0 ready, 0 parked; 4 idle stacks\n"
            "\n"
            "SHARD  ID  STATE  AGE  IN STATE  DEADLINE IN  NAME  WAITS FOR  TRACE  CANCELLED\n");
}

TEST(FibersAsText, FibersAreShownOldestFirst) {
  EXPECT_EQ(FibersAsText(ViewOf({})),
            "3 fibers on 2 shards: 1 running, 0 ready, 2 parked; 0 idle stacks\n"
            "\n"
            "SHARD  ID  STATE    AGE      IN STATE  DEADLINE IN  NAME          WAITS FOR         "
            "TRACE  CANCELLED\n"
            "1      12  parked   12.345s  2.345ms   40ms         a.v1.A/Old    rpc reply         "
            "4bf9   -\n"
            "0      8   parked   2ms      1ms       over by 5ms  <late>        mutex of fiber 7  "
            "-      drain\n"
            "0      7   running  1.5us    200ns     -            a.v1.A/Young  -                 "
            "-      -\n");
}

TEST(FibersAsText, AFilterSaysHowMuchItHides) {
  const std::string text = FibersAsText(ViewOf({.filter = {.name = "Old"}}));
  EXPECT_THAT(text, HasSubstr("filtered: 1 of 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("late")));
}

TEST(FibersAsText, TheTreeIsIndented) {
  EXPECT_THAT(FibersAsText(ViewOf({.layout = FibersLayout::kTree})),
              HasSubstr("\nfiber 12 'a.v1.A/Old' (shard 1, parked 2.345ms on rpc reply, age "
                        "12.345s, deadline in 40ms, trace 4bf9)\n  fiber 8 '<late>'"));
}

TEST(FibersAsText, StacksAreCounted) {
  EXPECT_THAT(FibersAsText(ViewOf({.layout = FibersLayout::kStacks})),
              HasSubstr("2 fibers: 12 'a.v1.A/Old' on rpc reply"));
}

TEST(FibersAsText, StuckShardIsNamed) {
  FibersView view = ViewOf({});
  view.stuck_shards = {3};
  EXPECT_THAT(FibersAsText(view), HasSubstr("\nshard 3 did not answer within 250ms: "));
}

TEST(FibersAsText, ADeadlockComesFirst) {
  std::vector<FiberInfo> fibers = {{.id = 1, .name = "a", .owner_id = 2},
                                   {.id = 2, .name = "b", .owner_id = 1}};
  // Even if the filter would hide it.
  const std::string text = FibersAsText(ViewOf({.filter = {.name = "zzz"}}, std::move(fibers)));
  EXPECT_THAT(text, HasSubstr("DEADLOCK: these wait for locks in a ring, and none can go on\n"
                              "  fiber 1 'a'"));
}

TEST(FibersAsText, MoreThanTheLimitAreCounted) {
  std::vector<FiberInfo> fibers(kMaxFibersShown + 2);
  for (FiberInfo& fiber : fibers) fiber.name = "f";
  const std::string text = FibersAsText(MakeFibersView({}, std::move(fibers)));
  EXPECT_TRUE(absl::EndsWith(text, "\n… and 2 younger ones\n"));
}

// --- JSON -------------------------------------------------------------------------------------

TEST(FibersAsJson, HasEveryFiberWithAllThatIsKnown) {
  const auto json = nlohmann::json::parse(FibersAsJson(ViewOf({})));
  ASSERT_EQ(json["fibers"].size(), 3u);
  const auto& old = json["fibers"][0];
  EXPECT_EQ(old["id"], 12);
  EXPECT_EQ(old["age_seconds"], 12.345678901);
  EXPECT_EQ(old["deadline_left_seconds"], 0.04);
  EXPECT_EQ(old["trace_id"], "4bf9");
  EXPECT_EQ(old["lock_owner"], nullptr);
  EXPECT_EQ(json["fibers"][1]["lock_owner"], 7);
  EXPECT_EQ(json["fibers"][1]["parent"], 12);
  EXPECT_EQ(json["fibers"][2]["deadline_left_seconds"], nullptr);
  EXPECT_EQ(json["shards"][0]["running"], 1);
  EXPECT_EQ(json["fibers_listed"], 3);
  EXPECT_FALSE(json.contains("stacks"));
}

TEST(FibersAsJson, StacksAreGrouped) {
  const auto json = nlohmann::json::parse(FibersAsJson(ViewOf({.layout = FibersLayout::kStacks})));
  ASSERT_EQ(json["stacks"].size(), 2u);
  EXPECT_EQ(json["stacks"][0]["count"], 2);
  EXPECT_THAT(json["stacks"][0]["fibers"], ElementsAre(12, 7));
}

TEST(FibersAsJson, ANameThatIsNoUtf8DoesNotCostTheAnswer) {
  const auto json = nlohmann::json::parse(FibersAsJson(ViewOf({}, {{.id = 1, .name = "\xff"}})));
  EXPECT_EQ(json["fibers"].size(), 1u);
}

// --- HTML -------------------------------------------------------------------------------------

TEST(FibersAsHtml, NamesAreEscapedAndFibersLinked) {
  const std::string html = FibersAsHtml(ViewOf({.filter = {.name = ""}}));
  EXPECT_THAT(html, HasSubstr("&lt;late&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<late>")));
  EXPECT_THAT(html, HasSubstr("mutex, held by <a href=\"#fiber-7\">7</a>"));
  EXPECT_THAT(html, HasSubstr("<tr id=\"fiber-7\">"));
}

TEST(FibersAsHtml, ARowHasAllThatIsKnown) {
  EXPECT_THAT(
      FibersAsHtml(ViewOf({})),
      HasSubstr("<td class=\"name\">a.v1.A/Old</td><td data-label=\"Waits for\">rpc reply</td>"
                "<td data-label=\"In state\">2.345ms</td><td data-label=\"Age\">12.345s</td>"
                "<td data-label=\"Deadline in\">40ms</td>"));
}

TEST(FibersAsHtml, TheTreeIsIndented) {
  const std::string html = FibersAsHtml(ViewOf({.layout = FibersLayout::kTree}));
  EXPECT_THAT(html, HasSubstr("<tr id=\"fiber-12\"><td"));
  EXPECT_THAT(html, HasSubstr("<tr id=\"fiber-8\" style=\"--depth:1\"><td"));
}

TEST(FibersAsHtml, AGroupOfStacksLinksTheFibersThatStandThere) {
  EXPECT_THAT(FibersAsHtml(ViewOf({.layout = FibersLayout::kStacks})),
              HasSubstr("<summary>2 fibers: a.v1.A/Old, parked on rpc reply, the oldest for "
                        "2.345ms</summary><p><a href=\"?format=html#fiber-12\">12</a>, "
                        "<a href=\"?format=html#fiber-7\">7</a><pre>"));
}

TEST(FibersAsHtml, TheFormKeepsTheFilter) {
  const std::string html = FibersAsHtml(
      ViewOf({.filter = {.name = "\"x", .state = "ready"}, .layout = FibersLayout::kTree}));
  EXPECT_THAT(html, HasSubstr("name=\"name\" value=\"&quot;x\""));
  EXPECT_THAT(html, HasSubstr("<option value=\"ready\" selected>"));
  EXPECT_THAT(html, HasSubstr("<option value=\"tree\" selected>"));
}

TEST(FibersAsHtml, ButtonsThatCancelAreThereOnlyWithAToken) {
  FibersView view = ViewOf({});
  EXPECT_THAT(FibersAsHtml(view), Not(HasSubstr("Cancel</button>")));
  view.cancel_token = "abc";
  EXPECT_THAT(FibersAsHtml(view), HasSubstr("name=\"token\" value=\"abc\"><button name=\"id\" "
                                            "value=\"12\">Cancel</button>"));
}

}  // namespace
}  // namespace weft::app
