#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "platform/app/console/format.h"
#include "platform/app/console/reports.h"

namespace weft::app {
namespace {

using Labels = Readings::Labels;

ReportCell Seconds(double seconds) {
  return {seconds, FormatAge(static_cast<int64_t>(seconds * 1e9))};
}

ReportCell Bytes(double bytes) { return {bytes, FormatBytes(bytes)}; }

ReportCell Percent(double share) { return {share, absl::StrFormat("%.1f %%", 100 * share)}; }

// Numbers as names are in the order of text: 10 before 2.
std::vector<std::string> Shards(const Readings& readings, absl::string_view metric) {
  const std::set<std::string> values = readings.Values(metric, "shard");
  std::vector<std::string> shards(values.begin(), values.end());
  std::sort(shards.begin(), shards.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return shards;
}

ReportTable ShardTable(const Readings& readings, double up) {
  ReportTable table = {.key = "shards",
                       .title = "Shards",
                       .columns = {{"shard", "Shard"},
                                   {"busy", "Busy"},
                                   {"running", "Running"},
                                   {"ready", "Ready"},
                                   {"parked", "Parked"},
                                   {"idle", "Idle"},
                                   {"timers", "Timers"},
                                   {"longest_run_seconds", "Longest run"},
                                   {"loop_lag_p99_seconds", "Loop lag p99"},
                                   {"spawned_total", "Fibers so far"},
                                   {"stalls_total", "Stalls"}},
                       .rows = {}};
  for (const std::string& shard : Shards(readings, "weft_fibers")) {
    const Labels of = {{"shard", shard}};
    const auto fibers = [&](const char* state) {
      return readings.Sum("weft_fibers", {{"shard", shard}, {"state", state}});
    };
    table.rows.push_back(
        {{shard, Percent(readings.Sum("weft_loop_busy_seconds_total", of) / up), fibers("running"),
          fibers("ready"), fibers("parked"), fibers("idle"), readings.Sum("weft_timers", of),
          Seconds(readings.Sum("weft_longest_run_seconds", of)),
          Seconds(readings.Merged("weft_loop_lag_seconds", of).Quantile(.99)),
          readings.Sum("weft_fibers_spawned_total", of), readings.Sum("weft_stalls_total", of)}});
  }
  return table;
}

ReportTable StackTable(const Readings& readings) {
  ReportTable table = {.key = "stacks",
                       .title = "Stacks of fibers",
                       .columns = {{"shard", "Shard"},
                                   {"size", "Size"},
                                   {"stack_bytes", "Bytes"},
                                   {"in_use", "In use"},
                                   {"high_water_bytes", "Deepest use seen"}},
                       .rows = {}};
  for (const std::string& shard : Shards(readings, "weft_stacks")) {
    for (const std::string& size : readings.Values("weft_stacks", "size")) {
      const Labels of = {{"shard", shard}, {"size", size}};
      table.rows.push_back({{shard, size, Bytes(readings.Sum("weft_stack_bytes", of)),
                             readings.Sum("weft_stacks", of),
                             Bytes(readings.Sum("weft_stack_high_water_bytes", of))}});
    }
  }
  return table;
}

ReportTable PoolTable(const Readings& readings) {
  ReportTable table = {.key = "pools",
                       .title = "Pools of threads",
                       .columns = {{"pool", "Pool"},
                                   {"threads", "Threads"},
                                   {"threads_max", "At most"},
                                   {"busy", "Busy"},
                                   {"queued", "Jobs waiting"},
                                   {"wait_p99_seconds", "Wait p99"},
                                   {"rejected_total", "Refused"},
                                   {"given_up_total", "Given up"}},
                       .rows = {}};
  for (const std::string& pool : readings.Values("weft_blocking_threads", "pool")) {
    const Labels of = {{"pool", pool}};
    table.rows.push_back(
        {{pool, readings.Sum("weft_blocking_threads", of),
          readings.Sum("weft_blocking_threads_max", of),
          readings.Sum("weft_blocking_busy_threads", of),
          readings.Sum("weft_blocking_queue_length", of),
          Seconds(readings.Merged("weft_blocking_queue_wait_seconds", of).Quantile(.99)),
          readings.Sum("weft_blocking_rejected_total", of),
          readings.Sum("weft_blocking_given_up_total", of)}});
  }
  return table;
}

ReportTable AdmissionTable(const Readings& readings) {
  ReportTable table = {.key = "admission",
                       .title = "Admission of calls",
                       .columns = {{"shard", "Shard"},
                                   {"limit", "Limit of calls in flight"},
                                   {"in_flight", "In flight"},
                                   {"queued", "Waiting"},
                                   {"overloaded", "Overloaded"}},
                       .rows = {},
                       .none = "switched off: admission.enabled"};
  for (const std::string& shard : Shards(readings, "weft_admission_limit")) {
    const Labels of = {{"shard", shard}};
    const double overloaded = readings.Sum("weft_admission_overloaded", of);
    table.rows.push_back(
        {{shard, readings.Sum("weft_admission_limit", of),
          readings.Sum("weft_admission_in_flight", of), readings.Sum("weft_admission_queued", of),
          ReportCell(overloaded, overloaded > 0 ? "yes" : "no")}});
  }
  return table;
}

ReportTable ShedTable(const Readings& readings) {
  ReportTable table = {
      .key = "turned_away",
      .title = "Calls turned away",
      .columns = {{"criticality", "Criticality"}, {"reason", "Reason"}, {"calls_total", "Calls"}},
      .rows = {}};
  constexpr absl::string_view kShed = "weft_admission_shed_total";
  for (const std::string& criticality : readings.Values(kShed, "criticality")) {
    for (const std::string& reason : readings.Values(kShed, "reason")) {
      const double calls = readings.Sum(kShed, {{"criticality", criticality}, {"reason", reason}});
      if (calls > 0) table.rows.push_back({{criticality, reason, calls}});
    }
  }
  const double limited = readings.Sum("weft_client_rate_limited_total");
  if (limited > 0) table.rows.push_back({{"any", "a client's rate", limited}});
  return table;
}

}  // namespace

Report ShardsReport(const Readings& readings, double now) {
  const double up = std::max(now - readings.Sum("process_start_time_seconds"), 1e-3);
  return {.title = "Shards, pools and limits",
          .path = "/debug/shards",
          .lines = {absl::StrFormat("%.0f connections, %.0f accepted so far, %.0f refused",
                                    readings.Sum("weft_connections_open"),
                                    readings.Sum("weft_connections_accepted_total"),
                                    readings.Sum("weft_connections_refused_total"))},
          .tables = {ShardTable(readings, up), PoolTable(readings), AdmissionTable(readings),
                     ShedTable(readings), StackTable(readings)}};
}

}  // namespace weft::app
