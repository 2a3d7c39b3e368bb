// ExitGuard: makes sure that a process that shuts down ends, whatever hangs.
#ifndef WEFT_PLATFORM_APP_EXIT_GUARD_H_
#define WEFT_PLATFORM_APP_EXIT_GUARD_H_

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace weft::app {

// From construction on the process may live for `limit`; then it logs the step that is under way
// and ends with status 1, without destructors. One thread, which only waits.
class ExitGuard {
 public:
  explicit ExitGuard(absl::Duration limit);
  // The danger is over. Blocks the thread briefly.
  ~ExitGuard();
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

  // What is being done now, a literal: "waiting for calls in flight".
  void Enter(const char* step) { step_.store(step); }

 private:
  void Watch(absl::Duration limit);

  std::atomic<const char*> step_ = "starting to shut down";
  absl::Notification safe_;
  std::thread thread_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_EXIT_GUARD_H_
