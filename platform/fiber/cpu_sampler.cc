#include "platform/fiber/cpu_sampler.h"

#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "platform/base/check.h"
#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/internal/running_stack.h"
#include "platform/fiber/internal/saved_stack.h"

namespace weft {
namespace {

enum class SlotState : int { kFree, kBeingWritten, kWritten };

struct Slot {
  std::atomic<SlotState> state{SlotState::kFree};
  size_t frames = 0;
  std::array<uintptr_t, internal::kMaxStackFrames> addresses;
};

uintptr_t InterruptedInstruction(const void* context) {
  const mcontext_t& registers = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<uintptr_t>(registers.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<uintptr_t>(registers.pc);
#else
#error "say where this processor's signal context has the interrupted instruction"
#endif
}

bool SetTimer(int64_t interval_micros) {
  itimerval timer = {};
  timer.it_interval.tv_sec = interval_micros / 1'000'000;
  timer.it_interval.tv_usec = interval_micros % 1'000'000;
  timer.it_value = timer.it_interval;
  return setitimer(ITIMER_PROF, &timer, nullptr) == 0;
}

}  // namespace

// Any number of handlers take slots in turn; one reader gives them back. A slot that the reader has
// not given back by its next turn costs that sample.
struct CpuSampler::Buffer {
  static constexpr size_t kSlots = 1024;

  void Take(void* context);

  std::atomic<uint64_t> next{0};
  std::atomic<int64_t> lost{0};
  std::array<Slot, kSlots> slots;
};

namespace {

std::atomic<bool> taken{false};  // by a CpuSampler

// A handler first counts itself, then looks at the buffer: who takes the buffer away and then sees
// no handler knows that none uses it. All in one order (seq_cst).
std::atomic<int> handlers{0};
std::atomic<void*> current{nullptr};

}  // namespace

void CpuSampler::Buffer::Take(void* context) {
  Slot& slot = slots[next.fetch_add(1, std::memory_order_relaxed) % kSlots];
  SlotState state = SlotState::kFree;
  if (!slot.state.compare_exchange_strong(state, SlotState::kBeingWritten,
                                          std::memory_order_acquire)) {
    lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  {
    const AllowBlockingCalls walking;  // libunwind has locks, held for microseconds.
    slot.frames = internal::WalkInterruptedStackIfAlone(context, slot.addresses.data(),
                                                        slot.addresses.size());
  }
  slot.addresses[0] = InterruptedInstruction(context);
  if (slot.frames == 0) slot.frames = 1;
  slot.state.store(SlotState::kWritten, std::memory_order_release);
}

void CpuSampler::Handle(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  handlers.fetch_add(1);
  if (auto* const buffer = static_cast<Buffer*>(current.load())) buffer->Take(context);
  handlers.fetch_sub(1);
  errno = saved_errno;
}

// For good: a signal that is on its way when a sampler ends would end the process by default.
absl::Status CpuSampler::Install() {
  struct sigaction action = {};
  sigaction(SIGPROF, nullptr, &action);
  const bool is_ours = (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == Handle;
  if (is_ours) return absl::OkStatus();
  if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) {
    return absl::FailedPreconditionError(
        "the program has a handler of its own for SIGPROF: another profiler?");
  }
  // The first walks bind libunwind's functions and fill its tables, which allocates.
  uintptr_t addresses[internal::kMaxStackFrames];
  ucontext_t here;
  if (getcontext(&here) != 0 || internal::WalkOwnStack(addresses, internal::kMaxStackFrames) == 0 ||
      internal::WalkInterruptedStack(&here, addresses, internal::kMaxStackFrames) == 0) {
    return absl::FailedPreconditionError("libunwind cannot walk stacks here");
  }
  action = {};
  action.sa_sigaction = Handle;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  if (sigaction(SIGPROF, &action, nullptr) != 0) {
    return absl::ErrnoToStatus(errno, "cannot install a handler for SIGPROF");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CpuSampler>> CpuSampler::Start(int hertz) {
  Check(hertz >= 1 && hertz <= kMaxSamplerHertz, "hertz is from 1 to kMaxSamplerHertz");
  if (taken.exchange(true)) return absl::UnavailableError("a CPU profile is being taken already");
  itimerval timer = {};
  getitimer(ITIMER_PROF, &timer);
  absl::Status ready = Install();
  if (ready.ok() && (timerisset(&timer.it_value) || timerisset(&timer.it_interval))) {
    ready = absl::FailedPreconditionError("the program has an ITIMER_PROF of its own");
  }
  if (!ready.ok()) {
    taken.store(false);
    return ready;
  }
  std::unique_ptr<CpuSampler> sampler(new CpuSampler(std::make_unique<Buffer>()));
  Check(SetTimer(1'000'000 / hertz), "setitimer failed for the CPU profile");
  return sampler;
}

CpuSampler::CpuSampler(std::unique_ptr<Buffer> buffer) : buffer_(std::move(buffer)) {
  current.store(buffer_.get());
}

CpuSampler::~CpuSampler() {
  SetTimer(0);
  current.store(nullptr);
  while (handlers.load() != 0) std::this_thread::yield();
  taken.store(false);
}

void CpuSampler::Drain(absl::FunctionRef<void(absl::Span<const uintptr_t>)> take) {
  for (Slot& slot : buffer_->slots) {
    if (slot.state.load(std::memory_order_acquire) != SlotState::kWritten) continue;
    take(absl::MakeConstSpan(slot.addresses.data(), slot.frames));
    slot.state.store(SlotState::kFree, std::memory_order_release);
  }
}

int64_t CpuSampler::samples() const {
  return static_cast<int64_t>(buffer_->next.load(std::memory_order_relaxed));
}

int64_t CpuSampler::lost() const { return buffer_->lost.load(std::memory_order_relaxed); }

}  // namespace weft
