#include "platform/fiber/event.h"

#include <mutex>

#include "platform/base/check.h"

namespace weft {

using internal::SpinLock;
using internal::WakeReason;

Event::~Event() {
  std::lock_guard<SpinLock> hold(lock_);  // Whoever set it last may still be in Set().
  Check(waiters_.empty(), "an Event is destroyed while fibers wait for it");
}

void Event::Set() {
  std::lock_guard<SpinLock> hold(lock_);
  set_.store(true, std::memory_order_release);
  waiters_.WakeAll();
}

void Event::Reset() {
  std::lock_guard<SpinLock> hold(lock_);
  set_.store(false, std::memory_order_relaxed);
}

absl::Status Event::Wait(absl::Time deadline) {
  internal::Waiter waiter({.kind = "event", .object = this});
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (IsSet()) return absl::OkStatus();
    waiters_.Add(waiter);
  }
  const WakeReason reason = internal::Park(waiter, internal::ToDeadlineNanos(deadline));
  if (reason == WakeReason::kNotified) return absl::OkStatus();
  {
    std::lock_guard<SpinLock> hold(lock_);
    waiters_.Remove(waiter);
  }
  return internal::ParkStatus(reason, "waiting for an event");
}

}  // namespace weft
