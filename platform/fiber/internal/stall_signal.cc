#include "platform/fiber/internal/stall_signal.h"

#include <signal.h>

#include <cerrno>

#include "platform/fiber/internal/running_stack.h"
#include "platform/fiber/internal/saved_stack.h"
#include "platform/fiber/internal/shard.h"

namespace weft::internal {
namespace {

constexpr int kStallSignal = SIGURG;

void Handle(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  // Anybody may send the signal to any thread.
  if (Shard* const shard = Shard::Current()) shard->TakeStallSample(context);
  errno = saved_errno;
}

bool Install() {
  struct sigaction action {};
  if (sigaction(kStallSignal, nullptr, &action) != 0) return false;
  const bool taken = (action.sa_flags & SA_SIGINFO) != 0 ||
                     (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
  if (taken) return false;
  // The first walk binds libunwind's functions and fills its tables, which allocates.
  uintptr_t addresses[kMaxStackFrames];
  if (WalkOwnStack(addresses, kMaxStackFrames) == 0) return false;
  action = {};
  action.sa_sigaction = Handle;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  return sigaction(kStallSignal, &action, nullptr) == 0;
}

}  // namespace

bool InstallStallSignal() {
  static const bool installed = Install();
  return installed;
}

void SendStallSignal(pthread_t thread) { pthread_kill(thread, kStallSignal); }

void UnblockStallSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, kStallSignal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace weft::internal
