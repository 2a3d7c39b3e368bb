// OverviewView: the process at a glance, from its metrics; and how it is written as text, JSON and
// HTML. Calls of gRPC's own services (health, reflection) are left out: they are infrastructure's.
#ifndef WEFT_PLATFORM_APP_CONSOLE_OVERVIEW_VIEW_H_
#define WEFT_PLATFORM_APP_CONSOLE_OVERVIEW_VIEW_H_

#include <map>
#include <string>
#include <vector>

#include "platform/app/console/readings.h"

namespace weft::app {

struct MethodOverview {
  std::string name;
  double not_ok = 0;     // calls that ended with another status than OK
  Distribution latency;  // seconds, of all that ended
};

struct OverviewView {
  std::string title = {};      // "pricing 1.4.0"
  std::string not_ready = {};  // why; empty: ready
  double now_seconds = 0;      // on a clock of its own, for differences
  double up_seconds = 0;
  double in_flight = 0;
  double not_ok = 0;
  Distribution latency = {};                  // seconds, of all methods' calls
  Distribution loop_lag = {};                 // seconds, of all shards
  std::map<std::string, double> fibers = {};  // by state
  double connections = 0;
  double stalls = 0;
  double deadlocks = 0;
  double turned_away = 0;  // by admission and by clients' rate limits
  double cpu_seconds = 0;
  double memory_bytes = 0;
  std::vector<MethodOverview> methods = {};  // by name
};

// `now`: seconds since 1970, as the metrics have the start; what the caller knows itself (title,
// readiness) is left empty.
OverviewView MakeOverview(const Readings& readings, double now);

std::string OverviewAsText(const OverviewView& view);
std::string OverviewAsJson(const OverviewView& view);
// Live where scripts run (overview_script.h), else with the values since the start.
std::string OverviewAsHtml(const OverviewView& view);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_OVERVIEW_VIEW_H_
