#include "platform/app/exit_guard.h"

#include <unistd.h>

#include "absl/time/time.h"
#include "platform/observability/logging/log.h"

namespace weft::app {

ExitGuard::ExitGuard(absl::Duration limit) : thread_([this, limit] { Watch(limit); }) {}

ExitGuard::~ExitGuard() {
  safe_.Notify();
  thread_.join();
}

void ExitGuard::Watch(absl::Duration limit) {
  if (safe_.WaitForNotificationWithTimeout(limit)) return;
  observability::Log(observability::Severity::kError, "shutdown hangs: exiting without clean-up",
                     {{"step", step_.load()}, {"after", absl::FormatDuration(limit)}});
  observability::FlushLogs(absl::Seconds(1));
  _exit(1);
}

}  // namespace weft::app
