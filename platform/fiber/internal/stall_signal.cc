#include "platform/fiber/internal/stall_signal.h"

#include <sys/mman.h>

#include <cerrno>

#include "platform/base/check.h"
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

StallSignalStack::StallSignalStack() {
  memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  Check(memory_ != MAP_FAILED, "no memory for a shard's signal stack");
  stack_t stack{};
  stack.ss_sp = memory_;
  stack.ss_size = kBytes;
  Check(sigaltstack(&stack, &before_) == 0, "sigaltstack failed for a shard's thread");
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, kStallSignal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

StallSignalStack::~StallSignalStack() {
  if (before_.ss_sp == nullptr) before_.ss_flags = SS_DISABLE;
  sigaltstack(&before_, nullptr);
  munmap(memory_, kBytes);
}

}  // namespace weft::internal
