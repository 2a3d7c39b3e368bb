#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "platform/app/console/calls_view.h"
#include "platform/app/console/html_table.h"
#include "platform/app/html.h"

namespace weft::app {
namespace {

using observability::CallRecord;
using observability::CallRecordPtr;

std::string Option(absl::string_view value, absl::string_view label, const std::string& chosen) {
  return absl::StrCat("<option value=\"", value, "\"", value == chosen ? " selected" : "", ">",
                      label, "</option>");
}

// A plain form, so that a view is a link that can be sent to somebody.
std::string FilterForm(const CallsQuery& query) {
  const std::string duration =
      query.min_duration == absl::ZeroDuration() ? "" : absl::FormatDuration(query.min_duration);
  return absl::StrCat(
             "<form><input type=\"hidden\" name=\"format\" value=\"html\">"
             "<label>Method contains<input name=\"method\" value=\"",
             EscapeHtml(query.method),
             "\"></label><label>Trace contains<input name=\"trace\" value=\"",
             EscapeHtml(query.trace),
             "\"></label><label>At least<input name=\"min_duration\" placeholder=\"10ms\" "
             "size=\"6\" value=\"",
             duration, "\"></label><label>Calls<select name=\"show\">") +
         Option("", "all", query.show) + Option("in_flight", "in flight", query.show) +
         Option("slow", "slow", query.show) + Option("failed", "failed", query.show) +
         "</select></label><button>Show</button></form>\n";
}

std::string Code(const std::string& text) {
  return text.empty() ? "" : absl::StrCat("<code>", EscapeHtml(text), "</code>");
}

// Where on a bar `nanos` of `whole` are.
std::string Percent(int64_t nanos, int64_t whole) {
  const double share =
      100 * static_cast<double>(nanos) / static_cast<double>(std::max<int64_t>(whole, 1));
  return absl::StrFormat("%.2f%%", std::clamp(share, 0.0, 100.0));
}

std::string TimelineHtml(const CallRecord& call) {
  std::string html = "<ol class=\"timeline\">\n";
  for (const TimelineStep& step : Timeline(call)) {
    absl::StrAppend(&html, "<li", step.failed ? " class=\"failed\"" : "", "><span class=\"at\">+",
                    FormatAge(step.at_nanos), "</span><span class=\"what\">", EscapeHtml(step.what),
                    "</span><span class=\"took\">",
                    step.nanos.has_value() ? FormatAge(*step.nanos) : "", "</span>");
    absl::StrAppend(
        &html, "<span class=\"bar\"><i style=\"left:", Percent(step.at_nanos, call.duration_nanos),
        ";width:", Percent(step.nanos.value_or(0), call.duration_nanos), "\"></i></span></li>\n");
  }
  return html + "</ol>\n";
}

std::string FiberCell(const CallsPageView& view, const CallRecord& call) {
  std::string cell = absl::StrCat("<a href=\"/debug/fibers?format=html#fiber-", call.fiber_id,
                                  "\">", call.fiber_id, "</a>");
  const auto found = view.fibers.find(call.fiber_id);
  if (found == view.fibers.end()) return cell;
  absl::StrAppend(&cell, " ", EscapeHtml(found->second.state));
  if (!found->second.waits_for.empty()) {
    absl::StrAppend(&cell, ": ", EscapeHtml(found->second.waits_for));
  }
  return cell;
}

// The method, which opens to what the call has done so far.
std::string MethodCell(const CallRecord& call) {
  return absl::StrCat("<details><summary>", EscapeHtml(call.method), "</summary>",
                      TimelineHtml(call), "</details>");
}

std::string InFlight(const CallsPageView& view) {
  std::string html = absl::StrCat("<h2>In flight: ", view.calls.in_flight_total, "</h2>\n");
  if (view.calls.in_flight.size() < view.calls.in_flight_total) {
    absl::StrAppend(&html, "<p>Listed: ", view.calls.in_flight.size(), "\n");
  }
  if (view.calls.in_flight.empty()) return html;
  HtmlTable table({"Method", "For", "Deadline in", "Fiber", "Peer", "Cancelled", "Trace", "Shard"});
  for (const CallRecord& call : view.calls.in_flight) {
    const int64_t left =
        call.deadline_nanos == INT64_MAX ? INT64_MAX : call.deadline_nanos - call.duration_nanos;
    table.AddRow({MethodCell(call), FormatAge(call.duration_nanos), FormatDeadline(left),
                  FiberCell(view, call), EscapeHtml(call.peer), EscapeHtml(call.cancelled),
                  Code(call.trace_id), absl::StrCat(call.shard)});
  }
  return html + table.Finish();
}

std::string Call(const CallRecord& call) {
  std::string html = absl::StrCat(
      "<details class=\"call\"><summary><b>", FormatAge(call.duration_nanos), "</b> ",
      call.code == absl::StatusCode::kOk ? "" : "<span class=\"bad\">",
      absl::StatusCodeToString(call.code), call.code == absl::StatusCode::kOk ? "" : "</span>");
  absl::StrAppend(&html, " <span class=\"dim\">", FormatInstant(call.accepted), "</span>");
  if (!call.message.empty()) absl::StrAppend(&html, " ", EscapeHtml(call.message));
  absl::StrAppend(&html, "</summary>\n<p>", EscapeHtml(call.method), " of ", EscapeHtml(call.peer),
                  ", shard ", call.shard, ", ",
                  FormatBytes(static_cast<double>(call.received_bytes)), " in, ",
                  FormatBytes(static_cast<double>(call.sent_bytes)), " out");
  if (!call.trace_id.empty()) absl::StrAppend(&html, ", trace ", Code(call.trace_id));
  if (!call.cancelled.empty()) {
    absl::StrAppend(&html, ", cancelled: ", EscapeHtml(call.cancelled));
  }
  return absl::StrCat(html, "</p>\n", TimelineHtml(call), "</details>\n");
}

std::string Calls(absl::string_view heading, const std::vector<CallRecordPtr>& calls) {
  if (calls.empty()) return "";
  std::string html = absl::StrCat("<h3>", heading, "</h3>\n");
  for (const CallRecordPtr& call : calls) html += Call(*call);
  return html;
}

}  // namespace

std::string CallsAsHtml(const CallsPageView& view) {
  std::string body;
  for (const std::string& line : StuckShardLines(view)) {
    absl::StrAppend(&body, "<p class=\"alarm\">", EscapeHtml(line), "</p>\n");
  }
  body += FilterForm(view.query);
  if (view.query.in_flight) body += InFlight(view);
  for (const observability::CallsView::Method& method : view.calls.methods) {
    absl::StrAppend(
        &body, "<h2>", EscapeHtml(method.name), "</h2>\n",
        Calls("Slowest of the last minutes", method.slow),
        Calls(absl::StrCat("Failed: ", method.failed_total, ", the latest"), method.failed));
  }
  if (view.calls.methods.empty() && (view.query.slow || view.query.failed)) {
    body += "<p>No ended call matches.</p>\n";
  }
  return HtmlPage("Calls", body, "/debug/calls");
}

}  // namespace weft::app
