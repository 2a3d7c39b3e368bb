#include "platform/app/console/calls_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

using observability::CallRecord;
using observability::CallRecordPtr;
using observability::ChildCall;

constexpr int64_t kWaitWorthTellingNanos = 100'000;

std::string DescribeChild(const ChildCall& child) {
  std::string text = child.system.empty()
                         ? absl::StrCat("calls ", child.method, " of ", child.target)
                         : absl::StrCat(child.system, ": ", child.method, " in ", child.target);
  if (child.attempt > 1) absl::StrAppend(&text, ", attempt ", child.attempt);
  if (child.hedge) absl::StrAppend(&text, " beside the first");
  if (child.duration_nanos < 0) return absl::StrCat(text, ": under way");
  absl::StrAppend(&text, ": ", absl::StatusCodeToString(child.code));
  if (child.will_retry) absl::StrAppend(&text, ", tried again");
  if (child.waited_nanos >= kWaitWorthTellingNanos) {
    absl::StrAppend(&text, ", ", absl::FormatDuration(absl::Nanoseconds(child.waited_nanos)),
                    " of it for a connection");
  }
  return text;
}

}  // namespace

bool CallsQuery::Matches(const CallRecord& call) const {
  return absl::StrContains(call.method, method) && absl::StrContains(call.trace_id, trace) &&
         absl::Nanoseconds(call.duration_nanos) >= min_duration;
}

absl::StatusOr<CallsQuery> ParseCallsQuery(const AdminRequest& request) {
  CallsQuery query;
  query.method = request.Parameter("method");
  query.trace = request.Parameter("trace");
  const absl::StatusOr<absl::Duration> duration = ParseDurationParameter(request, "min_duration");
  if (!duration.ok()) return duration.status();
  query.min_duration = *duration;
  const absl::StatusOr<std::string> show = ChooseParameter<std::string>(
      "show", request.Parameter("show"),
      {{"", ""}, {"failed", "failed"}, {"in_flight", "in_flight"}, {"slow", "slow"}});
  if (!show.ok()) return show.status();
  query.show = *show;
  query.in_flight = show->empty() || *show == "in_flight";
  query.slow = show->empty() || *show == "slow";
  query.failed = show->empty() || *show == "failed";
  const absl::StatusOr<PageFormat> format = ParsePageFormat(request);
  if (!format.ok()) return format.status();
  query.format = *format;
  return query;
}

CallsPageView MakeCallsPageView(const CallsQuery& query, observability::CallsView calls) {
  const auto other = [&query](const CallRecord& call) { return !query.Matches(call); };
  const auto other_kept = [&other](const CallRecordPtr& call) { return other(*call); };
  std::erase_if(calls.in_flight, other);
  if (!query.in_flight) calls.in_flight.clear();
  for (observability::CallsView::Method& method : calls.methods) {
    std::erase_if(method.slow, other_kept);
    std::erase_if(method.failed, other_kept);
    if (!query.slow) method.slow.clear();
    if (!query.failed) method.failed.clear();
  }
  std::erase_if(calls.methods,
                [](const auto& method) { return method.slow.empty() && method.failed.empty(); });
  return {.query = query, .calls = std::move(calls)};
}

std::vector<TimelineStep> Timeline(const CallRecord& call) {
  std::vector<TimelineStep> steps;
  const int64_t until_handler = call.handler_nanos >= 0 ? call.handler_nanos : call.duration_nanos;
  steps.push_back({.at_nanos = 0,
                   .nanos = until_handler,
                   .what = call.handler_nanos >= 0 ? "waits for its handler's turn"
                           : call.in_flight        ? "waits for its handler's turn still"
                                                   : "its handler was not called"});
  if (call.handler_nanos >= 0) {
    steps.push_back({.at_nanos = call.handler_nanos,
                     .nanos = call.duration_nanos - call.handler_nanos,
                     .what = "handler"});
  }
  if (call.children_left_out > 0) {
    steps.push_back({.at_nanos = std::max<int64_t>(call.handler_nanos, 0),
                     .what = absl::StrCat(call.children_left_out, " earlier calls to others")});
  }
  for (const ChildCall& child : call.children) {
    const int64_t nanos =
        child.duration_nanos >= 0 ? child.duration_nanos : call.duration_nanos - child.start_nanos;
    steps.push_back({.at_nanos = child.start_nanos,
                     .nanos = std::max<int64_t>(nanos, 0),
                     .what = DescribeChild(child),
                     .failed = child.code != absl::StatusCode::kOk});
  }
  steps.push_back({.at_nanos = call.duration_nanos,
                   .what = call.in_flight ? "now" : absl::StrCat("ends: ", DescribeOutcome(call)),
                   .failed = call.code != absl::StatusCode::kOk});
  return steps;
}

std::string DescribeOutcome(const CallRecord& call) {
  if (call.in_flight) return "in flight";
  std::string text = absl::StatusCodeToString(call.code);
  if (!call.message.empty()) absl::StrAppend(&text, ": ", call.message);
  return text;
}

std::vector<std::string> StuckShardLines(const CallsPageView& view) {
  std::vector<std::string> lines;
  for (const int shard : view.calls.stuck_shards) {
    lines.push_back(
        absl::StrCat("shard ", shard, " did not answer in time: its calls are not listed"));
  }
  return lines;
}

}  // namespace weft::app
