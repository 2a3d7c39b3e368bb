// The script of the overview: asks for /debug/overview?format=json each second while the page is
// seen, keeps the last two minutes, and draws. A page of its own, so that the pages' content policy
// need not allow scripts inside of them.
#ifndef WEFT_PLATFORM_APP_CONSOLE_OVERVIEW_SCRIPT_H_
#define WEFT_PLATFORM_APP_CONSOLE_OVERVIEW_SCRIPT_H_

#include "absl/strings/string_view.h"

namespace weft::app {

inline constexpr char kOverviewScriptPath[] = "/debug/overview.js";
extern const absl::string_view kOverviewScript;

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_OVERVIEW_SCRIPT_H_
