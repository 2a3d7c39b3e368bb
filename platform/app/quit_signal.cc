#include "platform/app/quit_signal.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "platform/base/check.h"

namespace weft::app {

QuitSignal::QuitSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGQUIT);
  Check(pthread_sigmask(SIG_BLOCK, &set, &mask_before_) == 0, "pthread_sigmask failed");
  signal_fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Check(signal_fd_ >= 0 && stop_fd_ >= 0, "no file descriptor left for SIGQUIT");
}

QuitSignal::~QuitSignal() {
  Stop();
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  close(signal_fd_);
  close(stop_fd_);
}

void QuitSignal::OnSignal(std::function<void()> answer) {
  thread_ = std::thread([this, answer = std::move(answer)] { Watch(answer); });
}

void QuitSignal::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof(one));
  thread_.join();
}

void QuitSignal::Watch(const std::function<void()>& answer) {
  pollfd fds[] = {{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                  {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
  while (true) {
    const int ready = poll(fds, 2, -1);
    Check(ready >= 0 || errno == EINTR, "poll failed on SIGQUIT");
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) answer();
  }
}

}  // namespace weft::app
