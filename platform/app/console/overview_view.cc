#include "platform/app/console/overview_view.h"

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "platform/app/console/format.h"

namespace weft::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kDuration = "grpc_server_call_duration_seconds";

void AddTo(Distribution* sum, const Distribution& part) {
  if (sum->counts.empty()) *sum = Distribution{part.bounds, {}};
  sum->counts.resize(part.counts.size(), 0);
  for (size_t i = 0; i < part.counts.size(); ++i) sum->counts[i] += part.counts[i];
}

std::string Seconds(double seconds) { return FormatAge(static_cast<int64_t>(seconds * 1e9)); }

std::string Quantiles(const Distribution& values) {
  if (values.total() == 0) return "none yet";
  return absl::StrCat("p50 ", Seconds(values.Quantile(.5)), ", p99 ",
                      Seconds(values.Quantile(.99)));
}

Json ToJson(const Distribution& values) {
  return {{"bounds_seconds", values.bounds}, {"counts", values.counts}};
}

}  // namespace

OverviewView MakeOverview(const Readings& readings, double now) {
  OverviewView view;
  view.now_seconds = now;
  view.up_seconds = now - readings.Sum("process_start_time_seconds");
  view.in_flight = readings.Sum("weft_calls_in_flight");
  for (const std::string& name : readings.Values("grpc_server_call_started_total", "grpc_method")) {
    if (absl::StartsWith(name, "grpc.")) continue;
    MethodOverview method = {.name = name,
                             .latency = readings.Merged(kDuration, {{"grpc_method", name}})};
    method.not_ok =
        method.latency.total() -
        readings.Merged(kDuration, {{"grpc_method", name}, {"grpc_status", "OK"}}).total();
    view.not_ok += method.not_ok;
    if (method.latency.total() > 0) AddTo(&view.latency, method.latency);
    view.methods.push_back(std::move(method));
  }
  view.loop_lag = readings.Merged("weft_loop_lag_seconds");
  view.fibers = readings.SumsBy("weft_fibers", "state");
  view.connections = readings.Sum("weft_connections_open");
  view.stalls = readings.Sum("weft_stalls_total");
  view.deadlocks = readings.Sum("weft_deadlocks_total");
  view.turned_away =
      readings.Sum("weft_admission_shed_total") + readings.Sum("weft_client_rate_limited_total");
  view.cpu_seconds = readings.Sum("process_cpu_seconds_total");
  view.memory_bytes = readings.Sum("process_resident_memory_bytes");
  return view;
}

std::string OverviewAsText(const OverviewView& view) {
  std::string text = absl::StrCat(
      view.title, ": ", view.not_ready.empty() ? "ready" : "not ready: " + view.not_ready, "; up ",
      absl::FormatDuration(absl::Seconds(static_cast<int64_t>(view.up_seconds))), "\n");
  absl::StrAppendFormat(&text, "calls:    %.0f in flight, %.0f ended, %.0f of them not OK; %s\n",
                        view.in_flight, view.latency.total(), view.not_ok, Quantiles(view.latency));
  absl::StrAppend(&text, "loop lag: ", Quantiles(view.loop_lag), "\n");
  absl::StrAppendFormat(&text, "fibers:  ");
  for (const auto& [state, count] : view.fibers) {
    absl::StrAppendFormat(&text, " %.0f %s", count, state);
  }
  absl::StrAppendFormat(&text,
                        "\nalso:     %.0f connections, %.0f stalls, %.0f deadlocks, %.0f calls "
                        "turned away, %.1fs of CPU, %s of memory\n\n",
                        view.connections, view.stalls, view.deadlocks, view.turned_away,
                        view.cpu_seconds, FormatBytes(view.memory_bytes));
  std::vector<std::vector<std::string>> rows = {{"METHOD", "CALLS", "NOT OK", "P50", "P99"}};
  for (const MethodOverview& method : view.methods) {
    rows.push_back({method.name, absl::StrFormat("%.0f", method.latency.total()),
                    absl::StrFormat("%.0f", method.not_ok), Seconds(method.latency.Quantile(.5)),
                    Seconds(method.latency.Quantile(.99))});
  }
  AppendTextTable(rows, &text);
  return text;
}

std::string OverviewAsJson(const OverviewView& view) {
  Json methods = Json::array();
  for (const MethodOverview& method : view.methods) {
    methods.push_back({{"method", method.name},
                       {"not_ok_total", method.not_ok},
                       {"latency", ToJson(method.latency)}});
  }
  const Json json = {{"title", view.title},
                     {"ready", view.not_ready.empty()},
                     {"not_ready", view.not_ready},
                     {"now_seconds", view.now_seconds},
                     {"up_seconds", view.up_seconds},
                     {"in_flight", view.in_flight},
                     {"not_ok_total", view.not_ok},
                     {"latency", ToJson(view.latency)},
                     {"loop_lag", ToJson(view.loop_lag)},
                     {"fibers", view.fibers},
                     {"connections", view.connections},
                     {"stalls_total", view.stalls},
                     {"deadlocks_total", view.deadlocks},
                     {"turned_away_total", view.turned_away},
                     {"cpu_seconds_total", view.cpu_seconds},
                     {"memory_bytes", view.memory_bytes},
                     {"methods", std::move(methods)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weft::app
