#include <string>

#include "absl/strings/str_cat.h"
#include "platform/app/console/reports.h"

namespace weft::app {

Report ConfigReport(const Config& config) {
  ReportTable keys = {
      .key = "keys",
      .title = "Keys",
      .columns = {{"key", "Key"}, {"value", "Value"}, {"origin", "From"}, {"default", "Default"}},
      .rows = {}};
  for (const ConfigEntry& entry : config.Entries()) {
    keys.rows.push_back({{entry.name, entry.value, entry.origin,
                          entry.value == entry.default_value ? "" : entry.default_value}});
  }
  return {.title = "Configuration", .path = "/debug/config", .tables = {std::move(keys)}};
}

}  // namespace weft::app
