#include "platform/app/console/calls_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/app/console/calls_view.h"

namespace weft::app {
namespace {

using observability::CallRecord;
using observability::CallsView;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t Millis(int64_t count) { return count * 1'000'000; }

CallRecord GetCall() {
  return {.method = "shop.v1.Shop/Get",
          .peer = "ipv4:10.1.2.3:41234",
          .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
          .shard = 1,
          .fiber_id = 17,
          .accepted = absl::FromUnixMillis(1'795'262'584'123),
          .handler_nanos = Millis(1),
          .duration_nanos = Millis(40),
          .received_bytes = 100,
          .sent_bytes = 3000,
          .children = {{.method = "pricing.v1.Pricing/Get",
                        .target = "dns:///pricing:50051",
                        .start_nanos = Millis(2),
                        .duration_nanos = Millis(10),
                        .code = absl::StatusCode::kUnavailable,
                        .will_retry = true},
                       {.method = "pricing.v1.Pricing/Get",
                        .target = "dns:///pricing:50051",
                        .attempt = 2,
                        .hedge = true,
                        .start_nanos = Millis(15),
                        .duration_nanos = Millis(20)}}};
}

// One call of each kind.
CallsView SomeCalls() {
  CallRecord in_flight = GetCall();
  in_flight.in_flight = true;
  in_flight.deadline_nanos = Millis(100);
  in_flight.children.back().duration_nanos = -1;
  CallRecord failed = GetCall();
  failed.handler_nanos = -1;
  failed.duration_nanos = Millis(3);
  failed.code = absl::StatusCode::kResourceExhausted;
  failed.message = "no room for <you> \xff";
  failed.cancelled = "client gone";
  failed.children.clear();
  CallsView view;
  view.in_flight = {in_flight};
  view.in_flight_total = 300;
  view.methods = {{.name = "shop.v1.Shop/Get",
                   .slow = {std::make_shared<CallRecord>(GetCall())},
                   .failed = {std::make_shared<CallRecord>(failed)},
                   .failed_total = 12}};
  view.stuck_shards = {3};
  return view;
}

CallsPageView Look(const CallsQuery& query = {}) {
  CallsPageView view = MakeCallsPageView(query, SomeCalls());
  view.fibers[17] = {.id = 17, .state = "parked", .waits_for = "rpc reply"};
  return view;
}

TEST(CallsQuery, ReadsItsParametersAndNamesWhatIsWrong) {
  const CallsQuery query = *ParseCallsQuery({.query = {{"method", "Get"},
                                                       {"trace", "4bf9"},
                                                       {"min_duration", "10ms"},
                                                       {"show", "slow"},
                                                       {"format", "json"}}});
  EXPECT_EQ(query.method, "Get");
  EXPECT_EQ(query.trace, "4bf9");
  EXPECT_EQ(query.min_duration, absl::Milliseconds(10));
  EXPECT_TRUE(query.slow);
  EXPECT_FALSE(query.in_flight);
  EXPECT_FALSE(query.failed);
  EXPECT_EQ(query.format, PageFormat::kJson);
  EXPECT_THAT(std::string(ParseCallsQuery({.query = {{"show", "all"}}}).status().message()),
              HasSubstr("show=all is not known"));
  EXPECT_FALSE(ParseCallsQuery({.query = {{"min_duration", "long"}}}).ok());
}

TEST(CallsView, TheFilterKeepsWhatMatchesAllOfIt) {
  EXPECT_EQ(Look({.method = "Shop"}).calls.methods.size(), 1u);
  EXPECT_TRUE(Look({.method = "List"}).calls.methods.empty());
  EXPECT_TRUE(Look({.method = "List"}).calls.in_flight.empty());
  EXPECT_TRUE(Look({.trace = "ffff"}).calls.methods.empty());
  const CallsPageView slow = Look({.min_duration = absl::Milliseconds(10)});
  EXPECT_EQ(slow.calls.methods[0].slow.size(), 1u);
  EXPECT_TRUE(slow.calls.methods[0].failed.empty());
  EXPECT_TRUE(Look({.in_flight = false}).calls.in_flight.empty());
  EXPECT_TRUE(Look({.slow = false, .failed = false}).calls.methods.empty());
}

TEST(Timeline, TellsTheWaitTheHandlerTheCallsAndTheEnd) {
  const std::vector<TimelineStep> steps = Timeline(GetCall());
  ASSERT_EQ(steps.size(), 5u);
  EXPECT_EQ(steps[0].what, "waits for its handler's turn");
  EXPECT_EQ(steps[0].nanos, Millis(1));
  EXPECT_EQ(steps[1].what, "handler");
  EXPECT_EQ(steps[1].at_nanos, Millis(1));
  EXPECT_EQ(steps[1].nanos, Millis(39));
  EXPECT_EQ(steps[2].what,
            "calls pricing.v1.Pricing/Get of dns:///pricing:50051: UNAVAILABLE, tried again");
  EXPECT_TRUE(steps[2].failed);
  EXPECT_EQ(steps[3].what,
            "calls pricing.v1.Pricing/Get of dns:///pricing:50051, attempt 2 beside the first: OK");
  EXPECT_EQ(steps[4].what, "ends: OK");
  EXPECT_EQ(steps[4].at_nanos, Millis(40));
}

TEST(Timeline, TheUseOfADatabaseIsNamedByWhatIsDone) {
  CallRecord call = GetCall();
  call.children = {{.system = "sqlite",
                    .method = "find product",
                    .target = "shop.db",
                    .start_nanos = Millis(2),
                    .duration_nanos = Millis(10),
                    .waited_nanos = Millis(7)}};
  const std::vector<TimelineStep> steps = Timeline(call);
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[2].what, "sqlite: find product in shop.db: OK, 7ms of it for a connection");
}

TEST(Timeline, ACallThatWasTurnedAwayHasNoHandler) {
  const std::vector<TimelineStep> steps = Timeline(*SomeCalls().methods[0].failed[0]);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].what, "its handler was not called");
  EXPECT_THAT(steps[1].what, HasSubstr("ends: RESOURCE_EXHAUSTED: no room"));
}

TEST(CallsAsText, HasTheThreeKindsOfCalls) {
  const std::string text = CallsAsText(Look());
  EXPECT_THAT(text, HasSubstr("shard 3 did not answer in time"));
  EXPECT_THAT(text, HasSubstr("IN FLIGHT: 300\n"));
  EXPECT_THAT(text,
              testing::ContainsRegex("40ms +60ms +shop.v1.Shop/Get +1 +17 +parked: rpc reply"));
  EXPECT_THAT(text, HasSubstr("SLOW: shop.v1.Shop/Get\n  40ms  2026-11-21 12:03:04.123  OK\n"));
  EXPECT_THAT(text, HasSubstr("      +1ms  handler (39ms)\n"));
  EXPECT_THAT(text, HasSubstr("FAILED: shop.v1.Shop/Get (12 in all)\n"));
  EXPECT_THAT(text, HasSubstr("100 B in, 2.9 KiB out, trace 4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_THAT(text, HasSubstr("cancelled: client gone"));
}

TEST(CallsAsJson, IsJsonWhateverAMessageHolds) {
  const nlohmann::json json = nlohmann::json::parse(CallsAsJson(Look()));
  EXPECT_EQ(json["in_flight_total"], 300);
  EXPECT_EQ(json["in_flight"][0]["fiber_waits_for"], "rpc reply");
  EXPECT_EQ(json["in_flight"][0]["deadline_seconds"], 0.1);
  EXPECT_TRUE(json["in_flight"][0]["status"].is_null());
  EXPECT_TRUE(json["in_flight"][0]["calls"][1]["duration_seconds"].is_null());
  const nlohmann::json& method = json["methods"][0];
  EXPECT_EQ(method["slow"][0]["handler_start_seconds"], 0.001);
  EXPECT_TRUE(method["slow"][0]["deadline_seconds"].is_null());
  EXPECT_EQ(method["slow"][0]["calls"][0]["will_retry"], true);
  EXPECT_EQ(method["failed"][0]["status"], "RESOURCE_EXHAUSTED");
  EXPECT_TRUE(method["failed"][0]["handler_start_seconds"].is_null());
}

TEST(CallsAsHtml, EscapesWhatClientsMadeUpAndLinksToTheFiber) {
  const std::string html = CallsAsHtml(Look());
  EXPECT_THAT(html, HasSubstr("In flight: 300"));
  EXPECT_THAT(html, HasSubstr("<a href=\"/debug/fibers?format=html#fiber-17\">17</a> parked: rpc "
                              "reply"));
  EXPECT_THAT(html, HasSubstr("no room for &lt;you&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<you>")));
  EXPECT_THAT(html, HasSubstr("left:5.00%;width:25.00%"));
  EXPECT_THAT(html, HasSubstr("<a href=\"/debug/calls\" aria-current=\"page\">Calls</a>"));
}

TEST(CallsPage, WithoutARecorderSaysWhatToDo) {
  Runtime runtime({.shards = 1});
  const AdminReply reply = CallsPage(runtime, nullptr).Show({});
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.body, HasSubstr("set admin.record_calls"));
}

TEST(CallsPage, AnswersInTheFormatThatIsAskedFor) {
  Runtime runtime({.shards = 2});
  observability::CallRecorder recorder;
  recorder.AddShards(runtime);
  const CallsPage page(runtime, &recorder);
  EXPECT_THAT(page.Show({}).body, HasSubstr("IN FLIGHT: 0\n"));
  EXPECT_EQ(page.Show({.query = {{"format", "json"}}}).content_type, "application/json");
  EXPECT_THAT(page.Show({.accept = "text/html"}).body, HasSubstr("No ended call matches."));
  EXPECT_EQ(page.Show({.query = {{"format", "xml"}}}).status, 400);
}

}  // namespace
}  // namespace weft::app
