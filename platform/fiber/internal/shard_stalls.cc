// What a shard does for its watchdog. See shard.cc for what it does, stall_watch.h for how.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/running_stack.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/signal_text.h"
#include "platform/fiber/internal/stall_signal.h"

namespace weft::internal {
namespace {

int64_t ToNanos(uint64_t cycles) {
  return static_cast<int64_t>(static_cast<double>(cycles) * NanosPerCycle());
}

}  // namespace

void Shard::BeginWatch() {
  watch_.thread = pthread_self();
  watch_.thread_id = gettid();
  pthread_getcpuclockid(watch_.thread, &watch_.cpu_clock);
  UnblockStallSignal();
}

// At the end of a run longer than all before, or than a stall; on whatever ran.
void Shard::NoteLongRun(uint64_t cycles) {
  longest_run_cycles_ = std::max(longest_run_cycles_, cycles);
  noted_run_cycles_ = std::min(longest_run_cycles_, stall_cycles_);
  if (cycles <= stall_cycles_) return;
  watch_.long_run_cycles.store(cycles, std::memory_order_relaxed);
  watch_.long_run_fiber.store(current_ == nullptr ? 0 : current_->id, std::memory_order_relaxed);
  watch_.long_run_start.store(watch_.activity.load(std::memory_order_relaxed),
                              std::memory_order_release);
  if (current_ != nullptr) observer_->OnLongRun(FiberLocals(current_->locals), ToNanos(cycles));
}

// Of a body that leaves locals, before they go. A run ends here, so that PickNext() does not tell
// of it again; bodies without locals leave it to that one, which reads the cycles anyway.
void Shard::NoteStallAtEnd() {
  const uint64_t cycles = RunCycles();
  if (cycles <= stall_cycles_) [[likely]]
    return;
  NoteLongRun(cycles);
  watch_.activity.store(ReadCycles(), std::memory_order_relaxed);
}

uint64_t Shard::RunCycles() const {
  return ReadCycles() - watch_.activity.load(std::memory_order_relaxed);
}

int64_t Shard::CurrentStallNanos() const {
  const uint64_t cycles = RunCycles();
  return cycles > stall_cycles_ ? ToNanos(cycles) : 0;
}

void Shard::TakeStallSample(void* signal_context) noexcept {
  using State = StallSample::State;
  StallSample& sample = watch_.sample;
  State state = State::kAsked;
  if (!sample.state.compare_exchange_strong(state, State::kBeingTaken)) return;
  sample.late = watch_.activity.load(std::memory_order_relaxed) != sample.asked_run;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  sample.fiber_id = 0;
  sample.fiber_name[0] = sample.description[0] = '\0';
  sample.frames = 0;
  if (!sample.late) {
    const AllowBlockingCalls walking;  // libunwind has locks, which are free here.
    if (const FiberRecord* const fiber = current_) {
      sample.fiber_id = fiber->id;
      CopyTextInSignal(fiber->name, sample.fiber_name);
      if (!observer_->DescribeFiber(FiberLocals(fiber->locals), sample.description,
                                    sizeof(sample.description))) {
        sample.description[0] = '\0';
      }
    }
    sample.frames = WalkInterruptedStack(signal_context, sample.addresses, kMaxStackFrames);
  }
  sample.state.store(State::kTaken, std::memory_order_release);
}

}  // namespace weft::internal
