#include "platform/fiber/latch.h"

#include <mutex>

#include "platform/base/check.h"

namespace weft {

using internal::SpinLock;
using internal::WakeReason;

Latch::~Latch() {
  std::lock_guard<SpinLock> hold(lock_);  // Who opened it may still be in CountDown().
  Check(waiters_.empty(), "a Latch is destroyed while fibers wait for it");
}

void Latch::CountDown(size_t n) {
  std::lock_guard<SpinLock> hold(lock_);
  Check(n <= left_, "more arrive at a Latch than it was made for");
  left_ -= n;
  if (left_ == 0) waiters_.WakeAll();
}

absl::Status Latch::Wait(absl::Time deadline) {
  internal::Waiter waiter({.kind = "latch", .object = this});
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (left_ == 0) return absl::OkStatus();
    waiters_.Add(waiter);
  }
  const WakeReason reason = internal::Park(waiter, internal::ToDeadlineNanos(deadline));
  if (reason == WakeReason::kNotified) return absl::OkStatus();
  {
    std::lock_guard<SpinLock> hold(lock_);
    waiters_.Remove(waiter);
  }
  return internal::ParkStatus(reason, "waiting for a latch");
}

absl::Status Latch::ArriveAndWait(absl::Time deadline) {
  CountDown();
  return Wait(deadline);
}

bool Latch::TryWait() const {
  std::lock_guard<SpinLock> hold(lock_);
  return left_ == 0;
}

}  // namespace weft
