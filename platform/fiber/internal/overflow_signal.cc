#include "platform/fiber/internal/overflow_signal.h"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "absl/debugging/symbolize.h"
#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/internal/running_stack.h"
#include "platform/fiber/internal/saved_stack.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/signal_text.h"

namespace weft::internal {
namespace {

constexpr std::array<int, 2> kSignals = {SIGSEGV, SIGBUS};
// A recursion shows itself in fewer; the innermost ones matter.
constexpr size_t kMaxLines = 24;

// The handlers before ours. Written before ours are installed.
struct sigaction previous_actions[kSignals.size()];

void WriteFrame(uintptr_t return_address, size_t times) {
  SignalText text;
  text << "weft:   ";
  text.Hex(return_address);
  char name[256];
  if (absl::Symbolize(reinterpret_cast<const void*>(return_address - 1), name, sizeof(name))) {
    text << " " << name;
  }
  if (times > 1) text << " (" << uint64_t{times} << " times)";
  text << "\n";
  text.Write();
}

// Calls that a recursion repeats take one line.
void WriteFrames(void* signal_context) {
  uintptr_t addresses[kMaxStackFrames];
  const size_t count = WalkInterruptedStack(signal_context, addresses, kMaxStackFrames);
  size_t lines = 0;
  for (size_t i = 0; i < count && lines < kMaxLines; ++lines) {
    size_t end = i + 1;
    while (end < count && addresses[end] == addresses[i]) ++end;
    WriteFrame(addresses[i], end - i);
    i = end;
  }
}

// Written before the frames are walked: should that fail, the kernel ends the process.
void WriteReport(const StackOverflow& overflow, void* signal_context) {
  const char* const option = overflow.size == StackSize::kSmall   ? "small_stack_bytes"
                             : overflow.size == StackSize::kLarge ? "large_stack_bytes"
                                                                  : "stack_bytes";
  SignalText text;
  text << "weft: fiber " << overflow.fiber_id << " '" << overflow.fiber_name << "'";
  if (overflow.description[0] != '\0') text << " (trace " << overflow.description << ")";
  text << " on shard " << static_cast<uint64_t>(overflow.shard) << " has overflowed its stack of "
       << uint64_t{overflow.stack_bytes}
       << " bytes. Look for a deep recursion or large local variables in the calls below, "
          "innermost first; if so much is needed, give it a larger StackSize or raise "
          "RuntimeOptions::"
       << option << " (of a service: fibers." << option << ").\n";
  text.Write();
  WriteFrames(signal_context);
}

// What would have happened without us.
void GoOn(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = previous_actions[signal == kSignals[0] ? 0 : 1];
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
    return;
  }
  const bool sent = info->si_code <= 0;  // By kill(2) and its kin; else it is a fault.
  if (previous.sa_handler == SIG_IGN && sent) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
    return;
  }
  // The faulting instruction is repeated after the return. One that was sent comes again.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  sigaction(signal, &by_default, nullptr);
  if (sent) pthread_kill(pthread_self(), signal);
}

void Handle(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  StackOverflow overflow;
  Shard* const shard = info->si_code > 0 ? Shard::Current() : nullptr;
  if (shard != nullptr && shard->FindOverflow(info->si_addr, &overflow)) {
    const AllowBlockingCalls writing;  // Else a full pipe would be reported from here.
    WriteReport(overflow, context);
  }
  errno = saved_errno;
  GoOn(signal, info, context);
}

bool Install() {
  // The first walk binds libunwind's functions and fills its tables, which allocates.
  uintptr_t addresses[kMaxStackFrames];
  WalkOwnStack(addresses, kMaxStackFrames);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (sigaction(kSignals[i], nullptr, &previous_actions[i]) != 0) return false;
    struct sigaction action {};
    action.sa_sigaction = Handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_mask = previous_actions[i].sa_mask;
    if (sigaction(kSignals[i], &action, nullptr) != 0) return false;
  }
  return true;
}

}  // namespace

void InstallOverflowSignal() { [[maybe_unused]] static const bool installed = Install(); }

}  // namespace weft::internal
