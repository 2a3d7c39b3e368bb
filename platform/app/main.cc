// Main(): the life of a service's process, from its command line to its exit status.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "platform/app/app.h"
#include "platform/app/config.h"
#include "platform/app/exit_guard.h"
#include "platform/app/fibers_page.h"
#include "platform/app/platform_keys.h"
#include "platform/app/quit_signal.h"
#include "platform/app/signals.h"
#include "platform/base/malloc_settings.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/logging/log_levels.h"

namespace weft::app {
namespace {

constexpr int kOk = 0;
constexpr int kFailure = 1;
constexpr int kWrongConfiguration = 2;

constexpr observability::Logger kLog("app");

// One plain line, not JSON: whoever starts a process by hand reads it.
int Fail(const std::string& name, const absl::Status& status, int exit_status) {
  const std::string line = absl::StrCat(name, ": ", std::string(status.message()), "\n");
  std::fputs(line.c_str(), stderr);
  return exit_status;
}

std::vector<ConfigKey> AllKeys(const AppOptions& options) {
  std::vector<ConfigKey> keys = PlatformConfigKeys();
  keys.insert(keys.end(), options.config.begin(), options.config.end());
  return keys;
}

absl::Status SetLogLevels(const Config& config) {
  const absl::StatusOr<observability::ModuleLevels> levels =
      observability::ParseLogLevels(config.String("log.levels"));
  const absl::Status set = levels.ok() ? observability::SetLogLevels(*levels) : levels.status();
  if (set.ok()) return set;
  return absl::Status(set.code(), absl::StrCat("log.levels: ", std::string(set.message())));
}

int ExitStatus(const absl::Status& start_error) {
  return start_error.code() == absl::StatusCode::kInvalidArgument ? kWrongConfiguration : kFailure;
}

}  // namespace

int Main(int argc, char** argv, const AppOptions& options, SetUp set_up) {
  SetUpMalloc();
  ShutdownSignals signals;
  QuitSignal quit;

  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const absl::StatusOr<CommandLine> command_line = ParseCommandLine(arguments);
  if (!command_line.ok()) return Fail(options.name, command_line.status(), kWrongConfiguration);
  const std::vector<ConfigKey> keys = AllKeys(options);
  if (command_line->help) {
    std::fputs(HelpText(options.name, options.version, keys).c_str(), stdout);
    return kOk;
  }
  if (command_line->version) {
    std::printf("%s %s\n", options.name.c_str(), options.version.c_str());
    return kOk;
  }
  absl::StatusOr<Config> config = LoadConfig(keys, *command_line);
  if (!config.ok()) return Fail(options.name, config.status(), kWrongConfiguration);
  if (absl::Status s = SetLogLevels(*config); !s.ok()) {
    return Fail(options.name, s, kWrongConfiguration);
  }

  observability::InitLogging(
      {.level = observability::ParseSeverity(config->String("log.level")).value(),
       .repeats_per_second = config->Int<int64_t>("log.repeats_per_second")});
  std::optional<ExitGuard> guard;  // outlives the app, whose end it watches
  {
    App app(options, *std::move(config), signals);
    absl::Status started;
    {
      const ExitOnSignal starting(signals);
      started = app.Start(set_up);
    }
    if (!started.ok()) {
      guard.emplace(kFlushTimeout + kShutdownMargin);
      return Fail(options.name, started, ExitStatus(started));
    }
    app.Announce();
    quit.OnSignal([&app] { LogFibers(app.runtime()); });
    const int signal = signals.Wait();
    kLog.Info("asked to end", {{"signal", signal}});
    guard.emplace(app.ShutdownLimit());
    if (absl::Status drained = app.Drain(*guard); !drained.ok()) {
      // Destructors would wait for the handlers.
      observability::FlushLogs(kFlushTimeout);
      _exit(kFailure);
    }
    guard->Enter("ending the runtime and what the service made");
    quit.Stop();
  }
  kLog.Info("ended");
  observability::ShutdownLogging();
  return kOk;
}

}  // namespace weft::app
