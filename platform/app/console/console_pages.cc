#include "platform/app/console/console_pages.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/app/console/format.h"
#include "platform/app/console/overview_script.h"
#include "platform/app/console/overview_view.h"
#include "platform/app/console/readings.h"
#include "platform/app/console/report.h"
#include "platform/app/console/reports.h"
#include "platform/app/html.h"
#include "platform/base/clock.h"

namespace weft::app {
namespace {

Readings Read(const observability::Telemetry& telemetry) {
  return Readings(telemetry.registry().Collect());
}

double NowSeconds() { return absl::ToDoubleSeconds(Clock::Real().Now() - absl::UnixEpoch()); }

}  // namespace

std::vector<AdminPage> ConsolePages::Pages() {
  const auto overview = [this](const AdminRequest& request) { return Overview(request); };
  return {
      {.path = "/", .help = "", .handler = overview},
      {.path = "/debug/overview", .help = "rates, latency, loop lag", .handler = overview},
      {.path = kOverviewScriptPath,
       .help = "",
       .handler =
           [](const AdminRequest&) {
             return AdminReply{.content_type = "text/javascript; charset=utf-8",
                               .body = std::string(kOverviewScript)};
           }},
      {.path = "/debug/calls",
       .help = "calls in flight, slow and failed ones, with their timelines",
       .handler = [this](const AdminRequest& request) { return calls_.Show(request); }},
      {.path = "/debug/stalls",
       .help = "what kept a shard from its other fibers, with stacks",
       .handler = [this](const AdminRequest& request) { return Stalls(request); }},
      {.path = "/debug/shards",
       .help = "shards, pools of threads, limits",
       .handler = [this](const AdminRequest& request) { return Shards(request); }},
      {.path = "/debug/heap",
       .help = "what malloc tells of its memory",
       .handler = [this](const AdminRequest& request) { return Heap(request); }},
      {.path = "/debug/config",
       .help = "each key, its value and where that is from",
       .handler = [this](const AdminRequest& request) { return Configuration(request); }},
  };
}

AdminReply ConsolePages::Overview(const AdminRequest& request) const {
  const absl::StatusOr<PageFormat> format = ParsePageFormat(request);
  if (!format.ok()) return ErrorReply(400, format.status().message());
  OverviewView view = MakeOverview(Read(telemetry_), NowSeconds());
  view.title = title_;
  view.not_ready = readiness_.reason();
  switch (*format) {
    case PageFormat::kJson:
      return {.content_type = "application/json", .body = OverviewAsJson(view)};
    case PageFormat::kHtml:
      return {.content_type = kHtmlContentType, .body = OverviewAsHtml(view)};
    case PageFormat::kText:
      break;
  }
  return {.body = OverviewAsText(view)};
}

AdminReply ConsolePages::Shards(const AdminRequest& request) const {
  return ShowReport(request, ShardsReport(Read(telemetry_), NowSeconds()));
}

AdminReply ConsolePages::Stalls(const AdminRequest& request) const {
  return ShowReport(
      request, StallsReport(telemetry_.RecentStallList(), Read(telemetry_), Clock::Real().Now()));
}

AdminReply ConsolePages::Heap(const AdminRequest& request) const {
  return ShowReport(request, HeapReport(Read(telemetry_)));
}

AdminReply ConsolePages::Configuration(const AdminRequest& request) const {
  return ShowReport(request, ConfigReport(config_));
}

}  // namespace weft::app
