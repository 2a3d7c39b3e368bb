#include "platform/fiber/barrier.h"

#include <mutex>
#include <utility>

#include "platform/base/check.h"

namespace weft {

using internal::SpinLock;
using internal::WakeReason;

// On the stack of the fiber that waits.
struct Barrier::Party : internal::Waiter {
  using Waiter::Waiter;
  Breach breach = Breach::kNone;  // the result of its phase, once it is taken out of parties_
};

Barrier::Barrier(size_t count, absl::AnyInvocable<void()> on_phase_complete)
    : count_(count), on_phase_complete_(std::move(on_phase_complete)) {
  Check(count >= 1, "a Barrier has at least one party");
}

Barrier::~Barrier() {
  std::lock_guard<SpinLock> hold(lock_);  // The last party may still be on its way out.
  Check(parties_.empty() && !completing_, "a Barrier is destroyed while fibers wait at it");
}

absl::Status Barrier::ArriveAndWait(absl::Time deadline) {
  Party self({.kind = "barrier", .object = this});
  {
    std::unique_lock<SpinLock> hold(lock_);
    Check(!completing_, "more fibers arrive at a Barrier than it has parties");
    if (breach_ != Breach::kNone) return StatusOf(breach_);
    if (++arrived_ == count_) return Complete(hold);
    parties_.Add(self);
  }
  const WakeReason reason = internal::Park(self, internal::ToDeadlineNanos(deadline));
  return reason == WakeReason::kNotified ? StatusOf(self.breach) : GiveUp(self, reason);
}

// The last party. Once LetGo() has been called and lock_ is free, the barrier may be gone.
absl::Status Barrier::Complete(std::unique_lock<SpinLock>& hold) {
  if (on_phase_complete_) {
    completing_ = true;
    hold.unlock();
    try {
      on_phase_complete_();
    } catch (...) {
      hold.lock();
      completing_ = false;
      breach_ = Breach::kThrew;
      LetGo(Breach::kThrew);
      throw;
    }
    hold.lock();
    completing_ = false;
  }
  LetGo(Breach::kNone);
  return absl::OkStatus();
}

// The park ended with a deadline or a cancellation: breaks the phase if it still can.
absl::Status Barrier::GiveUp(Party& self, WakeReason reason) {
  Party end({.kind = "barrier (completing)", .object = this});
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (!self.queued) {  // The phase has ended in between: its result counts.
      if (self.breach == Breach::kNone) return absl::OkStatus();
      return internal::ParkStatus(reason, "waiting at a barrier");
    }
    parties_.Remove(self);
    if (!completing_) {
      breach_ = Breach::kGaveUp;
      LetGo(breach_);
      return internal::ParkStatus(reason, "waiting at a barrier");
    }
    parties_.Add(end);
  }
  internal::ParkUncancellable(end);
  return StatusOf(end.breach);
}

void Barrier::Break() {
  std::lock_guard<SpinLock> hold(lock_);
  if (breach_ != Breach::kNone) return;
  breach_ = Breach::kByHand;
  if (!completing_) LetGo(breach_);
}

void Barrier::Reset() {
  std::lock_guard<SpinLock> hold(lock_);
  breach_ = Breach::kNone;
  if (!completing_) LetGo(Breach::kReset);
}

bool Barrier::broken() const {
  std::lock_guard<SpinLock> hold(lock_);
  return breach_ != Breach::kNone;
}

// Ends the phase, with the same result for all its parties.
void Barrier::LetGo(Breach breach) {
  arrived_ = 0;
  while (auto* const party = static_cast<Party*>(parties_.front())) {
    parties_.Remove(*party);
    party->breach = breach;
    internal::Wake(*party);
  }
}

absl::Status Barrier::StatusOf(Breach breach) {
  switch (breach) {
    case Breach::kNone:
      return absl::OkStatus();
    case Breach::kGaveUp:
      return absl::AbortedError("the barrier is broken: a party gave up while it waited");
    case Breach::kByHand:
      return absl::AbortedError("the barrier is broken: Break() was called");
    case Breach::kThrew:
      return absl::AbortedError("the barrier is broken: its completion function threw");
    case Breach::kReset:
      return absl::AbortedError("the barrier was reset while the party waited");
  }
  return absl::OkStatus();
}

}  // namespace weft
