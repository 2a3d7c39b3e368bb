#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/app/console/calls_view.h"

namespace weft::app {
namespace {

using observability::CallRecord;
using observability::CallRecordPtr;

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

std::string FiberState(const CallsPageView& view, const CallRecord& call) {
  const auto found = view.fibers.find(call.fiber_id);
  if (found == view.fibers.end()) return "-";
  const FiberInfo& fiber = found->second;
  return fiber.waits_for.empty() ? fiber.state : absl::StrCat(fiber.state, ": ", fiber.waits_for);
}

void AppendInFlight(const CallsPageView& view, std::string* text) {
  std::vector<std::vector<std::string>> rows = {
      {"AGE", "DEADLINE IN", "METHOD", "SHARD", "FIBER", "STATE", "PEER", "TRACE", "CANCELLED"}};
  for (const CallRecord& call : view.calls.in_flight) {
    const int64_t left =
        call.deadline_nanos == INT64_MAX ? INT64_MAX : call.deadline_nanos - call.duration_nanos;
    rows.push_back({FormatAge(call.duration_nanos), FormatDeadline(left), call.method,
                    absl::StrCat(call.shard), absl::StrCat(call.fiber_id), FiberState(view, call),
                    call.peer, OrDash(call.trace_id), OrDash(call.cancelled)});
  }
  absl::StrAppend(text, "IN FLIGHT: ", view.calls.in_flight_total, "\n");
  AppendTextTable(rows, text);
}

void AppendCall(const CallRecord& call, std::string* text) {
  absl::StrAppend(text, "  ", FormatAge(call.duration_nanos), "  ", FormatInstant(call.accepted),
                  "  ", DescribeOutcome(call), "\n");
  absl::StrAppend(text, "      of ", call.peer, ", shard ", call.shard, ", ",
                  FormatBytes(static_cast<double>(call.received_bytes)), " in, ",
                  FormatBytes(static_cast<double>(call.sent_bytes)), " out");
  if (!call.trace_id.empty()) absl::StrAppend(text, ", trace ", call.trace_id);
  if (!call.cancelled.empty()) absl::StrAppend(text, ", cancelled: ", call.cancelled);
  absl::StrAppend(text, "\n");
  for (const TimelineStep& step : Timeline(call)) {
    absl::StrAppend(text, "      +", FormatAge(step.at_nanos), "  ", step.what);
    if (step.nanos.has_value()) absl::StrAppend(text, " (", FormatAge(*step.nanos), ")");
    absl::StrAppend(text, "\n");
  }
}

void AppendCalls(absl::string_view heading, const std::vector<CallRecordPtr>& calls,
                 std::string* text) {
  if (calls.empty()) return;
  absl::StrAppend(text, heading, "\n");
  for (const CallRecordPtr& call : calls) AppendCall(*call, text);
}

}  // namespace

std::string CallsAsText(const CallsPageView& view) {
  std::string text;
  for (const std::string& line : StuckShardLines(view)) absl::StrAppend(&text, line, "\n");
  if (view.query.in_flight) AppendInFlight(view, &text);
  for (const observability::CallsView::Method& method : view.calls.methods) {
    AppendCalls(absl::StrCat("\nSLOW: ", method.name), method.slow, &text);
    AppendCalls(absl::StrCat("\nFAILED: ", method.name, " (", method.failed_total, " in all)"),
                method.failed, &text);
  }
  return text;
}

}  // namespace weft::app
