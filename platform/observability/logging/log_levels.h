// Levels of the log at run time: the least severe lines that are written, of everything and of
// single modules.
//
//   SetLogLevels(*ParseLogLevels("rpc=debug,opentelemetry=error"));    // at the start
//   SetModuleLogLevel("rpc", Severity::kDebug, absl::Minutes(10));     // by hand, for a while
//
// A module is what stands in a line as "module": the name of a Logger (log.h), which is what who
// reads the log knows. It shows up here with its first line, written or not, or when its level is
// set. Its level is its own, if it was given one, or else that of all modules.
//
// A level for a while goes back at the first line that is written, and the first look at the levels
// or scrape of the metrics, after its time: no thread waits for it.
//
// Nothing here parks the fiber; all take a mutex for a moment. Any thread.
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_LEVELS_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_LEVELS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/observability/logging/log.h"

namespace weft::observability {

// Modules come from code; those that a person makes up are bounded.
inline constexpr size_t kMaxLogModules = 256;
inline constexpr size_t kMaxLogModuleBytes = 64;

using ModuleLevels = std::vector<std::pair<std::string, Severity>>;

// Reads "rpc=debug,catalog=warning"; empty: none. INVALID_ARGUMENT, naming the part that is wrong.
absl::StatusOr<ModuleLevels> ParseLogLevels(absl::string_view text);
// As SetModuleLogLevel() for each, for good.
absl::Status SetLogLevels(const ModuleLevels& levels);

// The level of one module, or with an empty name that of all that have none of their own; for good,
// or as long as `duration`. INVALID_ARGUMENT for a name that no module can have or a duration that
// is not above zero, RESOURCE_EXHAUSTED where there are kMaxLogModules.
absl::Status SetModuleLogLevel(absl::string_view module, Severity level,
                               absl::Duration duration = absl::InfiniteDuration());
// Takes a module's own level away. INVALID_ARGUMENT for the empty name.
absl::Status ClearModuleLogLevel(absl::string_view module);

struct ModuleLogLevel {
  std::string module;                         // empty: all that have none of their own
  Severity level = Severity::kInfo;           // now
  bool own = false;                           // else that of all modules
  absl::Time until = absl::InfiniteFuture();  // when it goes back
};
// The first one is that of all modules; the others by name.
std::vector<ModuleLogLevel> LogLevels();

namespace internal {
// Takes back what was for a while, if it is time. One relaxed load where it is not.
void RestoreLogLevels(absl::Time now);
}  // namespace internal

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_LEVELS_H_
