#include <string>

#include "absl/strings/str_cat.h"
#include "platform/app/console/format.h"
#include "platform/app/console/reports.h"

namespace weft::app {
namespace {

using observability::RecentStall;

ReportRow ToRow(const RecentStall& stall, absl::Time now) {
  const StallReport& report = stall.report;
  const int64_t nanos =
      stall.over ? stall.whole_nanos : report.nanos + absl::ToInt64Nanoseconds(now - stall.when);
  ReportRow row = {{report.fiber_name.empty() ? "the shard's loop" : report.fiber_name,
                    FormatInstant(stall.when),
                    ReportCell(1e-9 * static_cast<double>(nanos),
                               absl::StrCat(FormatAge(nanos), stall.over ? "" : " so far")),
                    std::string(StallCauseName(report.cause)), ReportCell(report.shard),
                    ReportCell(static_cast<double>(report.fiber_id)), report.trace_id,
                    ReportCell(static_cast<double>(report.suppressed))},
                   report.stack};
  if (row.details.empty()) row.details = {report.no_stack};
  return row;
}

}  // namespace

Report StallsReport(const std::vector<RecentStall>& stalls, const Readings& readings,
                    absl::Time now) {
  ReportTable recent = {.key = "stalls",
                        .title = "The latest that were looked at",
                        .columns = {{"call", "Call"},
                                    {"when", "When"},
                                    {"seconds", "For"},
                                    {"cause", "It"},
                                    {"shard", "Shard"},
                                    {"fiber", "Fiber"},
                                    {"trace_id", "Trace"},
                                    {"suppressed", "Others before"}},
                        .rows = {},
                        .details_key = "stack",
                        .none = "no fiber has kept its shard to itself for long"};
  for (const RecentStall& stall : stalls) recent.rows.push_back(ToRow(stall, now));
  ReportTable totals = {.key = "totals",
                        .title = "All since the start",
                        .columns = {{"shard", "Shard"}, {"cause", "Cause"}, {"stalls", "Stalls"}},
                        .rows = {}};
  constexpr absl::string_view kStalls = "weft_stalls_total";
  for (const std::string& shard : readings.Values(kStalls, "shard")) {
    for (const std::string& cause : readings.Values(kStalls, "cause")) {
      const double count = readings.Sum(kStalls, {{"shard", shard}, {"cause", cause}});
      if (count > 0) totals.rows.push_back({{shard, cause, count}});
    }
  }
  return {.title = "Stalls",
          .path = "/debug/stalls",
          .lines = {"A stall is a run of one fiber, or of a shard's loop, for longer than "
                    "fibers.stall_threshold. Of each shard one in ten seconds is looked at."},
          .tables = {std::move(recent), std::move(totals)}};
}

}  // namespace weft::app
