#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "platform/app/console/format.h"
#include "platform/app/console/html_table.h"
#include "platform/app/console/overview_script.h"
#include "platform/app/console/overview_view.h"
#include "platform/app/html.h"

namespace weft::app {
namespace {

constexpr absl::string_view kStyle = R"(<style>
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .8rem }
@media (max-width: 30rem) { .charts { grid-template-columns: 1fr 1fr } }
.chart { background: var(--card); border-radius: .4rem; padding: .5rem .8rem; min-width: 0 }
.chart h2 { margin: 0; font-size: .85rem; font-weight: normal; color: var(--dim) }
.chart p { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums }
.chart svg { display: block; width: 100%; height: 3.2rem; margin-top: .3rem }
.chart polyline { fill: none; stroke: var(--bar); stroke-width: 1.5;
  vector-effect: non-scaling-stroke }
.chart polyline + polyline { stroke-dasharray: 3 3 }
.chart .most { font-size: .8rem; color: var(--dim); min-height: 1.2em }
.status { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; align-items: center }
</style>
)";

std::string Count(double number) { return absl::StrFormat("%.0f", number); }

std::string Seconds(double seconds) { return FormatAge(static_cast<int64_t>(seconds * 1e9)); }

std::string Quantiles(const Distribution& values) {
  if (values.total() == 0) return "–";
  return absl::StrCat(Seconds(values.Quantile(.5)), " / ", Seconds(values.Quantile(.99)));
}

// `value` is that since the start; the script puts what is now in its place, and draws.
std::string Chart(absl::string_view id, absl::string_view heading, absl::string_view value) {
  return absl::StrCat("<section class=\"chart\" id=\"", id, "\"><h2>", heading, "</h2><p>", value,
                      "</p><svg viewBox=\"0 0 119 40\" preserveAspectRatio=\"none\" "
                      "aria-hidden=\"true\"></svg><p class=\"most\"></p></section>\n");
}

std::string Charts(const OverviewView& view) {
  const double up = view.up_seconds > 0 ? view.up_seconds : 1;
  double alive = 0;
  for (const auto& [state, count] : view.fibers) alive += state == "idle" ? 0 : count;
  return absl::StrCat(
             "<div class=\"charts\">\n",
             Chart("rate", "Calls per second", absl::StrFormat("%.1f", view.latency.total() / up)),
             Chart("not_ok", "Not OK per second", absl::StrFormat("%.2f", view.not_ok / up)),
             Chart("latency", "Latency, p50 / p99", Quantiles(view.latency)),
             Chart("lag", "Loop lag, p50 / p99", Quantiles(view.loop_lag))) +
         absl::StrCat(Chart("in_flight", "Calls in flight", Count(view.in_flight)),
                      Chart("fibers", "Fibers", Count(alive)),
                      Chart("cpu", "CPUs in use", absl::StrFormat("%.2f", view.cpu_seconds / up)),
                      Chart("memory", "Memory", FormatBytes(view.memory_bytes)), "</div>\n");
}

std::string Methods(const OverviewView& view) {
  HtmlTable table({"Method", "Calls/s", "Not OK/s", "p50", "p99", "Calls", "Not OK"});
  const double up = view.up_seconds > 0 ? view.up_seconds : 1;
  for (const MethodOverview& method : view.methods) {
    const std::string name = EscapeHtml(method.name);
    table.AddRow(
        {absl::StrCat("<a href=\"/debug/calls?format=html&amp;method=", name, "\">", name, "</a>"),
         absl::StrFormat("%.1f", method.latency.total() / up),
         absl::StrFormat("%.2f", method.not_ok / up), Seconds(method.latency.Quantile(.5)),
         Seconds(method.latency.Quantile(.99)), Count(method.latency.total()),
         Count(method.not_ok)},
        absl::StrCat("data-method=\"", name, "\""));
  }
  return table.Finish();
}

}  // namespace

std::string OverviewAsHtml(const OverviewView& view) {
  const std::string state =
      view.not_ready.empty()
          ? "<b id=\"ready\" class=\"good\">ready</b>"
          : absl::StrCat("<b id=\"ready\" class=\"bad\">not ready: ", EscapeHtml(view.not_ready),
                         "</b>");
  std::string body = absl::StrCat(
      kStyle, "<div class=\"status\">", state, "<span>up <span id=\"up\">",
      absl::FormatDuration(absl::Seconds(static_cast<int64_t>(view.up_seconds))),
      "</span></span><span><a href=\"/debug/stalls\">stalls</a>: <span id=\"stalls\">",
      Count(view.stalls), "</span></span><span>deadlocks: <span id=\"deadlocks\">",
      Count(view.deadlocks), "</span></span><span>turned away: <span id=\"turned_away\">");
  absl::StrAppend(
      &body, Count(view.turned_away), "</span></span><span>connections: <span id=\"connections\">",
      Count(view.connections), "</span></span><button id=\"pause\" hidden>Pause</button></div>\n");
  // The only element that is read out: each second would be too often for the rest.
  body += "<p id=\"problem\" class=\"bad\" role=\"status\"></p>\n";
  absl::StrAppend(&body, "<p class=\"dim\" id=\"since\">Since the start; live with scripts.</p>\n",
                  Charts(view), "<h2>Methods</h2>\n", Methods(view), "<script src=\"",
                  kOverviewScriptPath, "\"></script>\n");
  return HtmlPage(view.title, body, "/");
}

}  // namespace weft::app
