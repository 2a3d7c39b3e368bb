#include "platform/app/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <thread>

#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/base/clock.h"

namespace weft::app {
namespace {

sigset_t ShutdownSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Only what signal-safety(7) allows: other threads are in the middle of anything.
void WriteLine(const char* text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, strlen(text));
}

void ExitAtOnce(int signal) {
  WriteLine("weft: second signal: exiting at once\n");
  _exit(128 + signal);
}

// poll(2)'s timeout: rounded up, so that a wait never ends early and spins.
int PollMilliseconds(absl::Duration left) {
  if (left == absl::InfiniteDuration()) return -1;
  constexpr absl::Duration kLongest = absl::Hours(1);
  return static_cast<int>(absl::ToInt64Milliseconds(
      absl::Ceil(std::clamp(left, absl::ZeroDuration(), kLongest), absl::Milliseconds(1))));
}

}  // namespace

ShutdownSignals::ShutdownSignals() {
  const sigset_t set = ShutdownSet();
  Check(pthread_sigmask(SIG_BLOCK, &set, &mask_before_) == 0, "pthread_sigmask failed");
  sigaction(SIGTERM, nullptr, &term_before_);
  sigaction(SIGINT, nullptr, &int_before_);
  // An ignored signal would be thrown away instead of reaching the signalfd; nohup and background
  // jobs of a shell without job control start processes with SIGINT ignored.
  struct sigaction usual = {};
  usual.sa_handler = SIG_DFL;
  sigaction(SIGTERM, &usual, nullptr);
  sigaction(SIGINT, &usual, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &pipe_before_);
  signal_fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  request_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Check(signal_fd_ >= 0 && request_fd_ >= 0, "no file descriptor left for the shutdown signals");
}

ShutdownSignals::~ShutdownSignals() {
  sigaction(SIGTERM, &term_before_, nullptr);
  sigaction(SIGINT, &int_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  close(signal_fd_);
  close(request_fd_);
}

int ShutdownSignals::Wait(absl::Duration timeout) {
  const Clock& clock = Clock::Real();
  const absl::Time deadline = clock.Now() + timeout;
  while (true) {
    signalfd_siginfo info;
    if (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
      ExitOnNext();
      return static_cast<int>(info.ssi_signo);
    }
    uint64_t requests = 0;
    if (read(request_fd_, &requests, sizeof(requests)) == sizeof(requests)) return kRequested;
    const absl::Duration left = deadline - clock.Now();
    if (left <= absl::ZeroDuration()) return kTimeout;
    pollfd fds[] = {{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                    {.fd = request_fd_, .events = POLLIN, .revents = 0}};
    const int ready = poll(fds, 2, PollMilliseconds(left));
    Check(ready >= 0 || errno == EINTR, "poll failed on the shutdown signals");
  }
}

void ShutdownSignals::Request() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(request_fd_, &one, sizeof(one));
}

void ShutdownSignals::ExitOnNext() {
  struct sigaction exit_at_once = {};
  exit_at_once.sa_handler = ExitAtOnce;
  sigaction(SIGTERM, &exit_at_once, nullptr);
  sigaction(SIGINT, &exit_at_once, nullptr);
  // Still blocked in all other threads, so the kernel delivers to this one, whatever it waits for.
  const sigset_t set = ShutdownSet();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

ExitOnSignal::ExitOnSignal(const ShutdownSignals& signals)
    : stop_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  Check(stop_fd_ >= 0, "no file descriptor left for the shutdown signals");
  thread_ = std::thread([this, signal_fd = signals.signal_fd_] { Watch(signal_fd); });
}

ExitOnSignal::~ExitOnSignal() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof(one));
  thread_.join();
  close(stop_fd_);
}

void ExitOnSignal::Watch(int signal_fd) {
  while (true) {
    pollfd fds[] = {{.fd = stop_fd_, .events = POLLIN, .revents = 0},
                    {.fd = signal_fd, .events = POLLIN, .revents = 0}};
    poll(fds, 2, -1);
    // A signal that came last is left for Wait(), which drains.
    if (fds[0].revents != 0) return;
    signalfd_siginfo info;
    if (read(signal_fd, &info, sizeof(info)) != sizeof(info)) continue;
    WriteLine("weft: signal while starting: exiting at once\n");
    _exit(128 + static_cast<int>(info.ssi_signo));
  }
}

}  // namespace weft::app
