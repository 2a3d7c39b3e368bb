#include "platform/fiber/once.h"

#include <mutex>

#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"

namespace weft {

using internal::SpinLock;
using internal::WakeReason;

Once::~Once() {
  std::lock_guard<SpinLock> hold(lock_);  // Whoever has done it may still be in End().
  Check(runner_ == nullptr && waiters_.empty(),
        "a Once is destroyed while fibers are in CallOnce()");
}

absl::StatusOr<bool> Once::Begin(absl::Time deadline) {
  internal::Waiter waiter({.kind = "once", .object = this, .owner = &Once::RunnerOf});
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (done()) return false;
    if (runner_ == nullptr) {
      runner_ = waiter.fiber;
      return true;
    }
    Check(runner_ != waiter.fiber, "CallOnce() is called by the function that it runs");
    waiters_.Add(waiter);
  }
  const WakeReason reason = internal::Park(waiter, internal::ToDeadlineNanos(deadline));
  if (reason == WakeReason::kNotified) return !done();  // Not done: End() made it our turn.
  {
    std::lock_guard<SpinLock> hold(lock_);
    waiters_.Remove(waiter);
  }
  return internal::ParkStatus(reason, "waiting for another fiber's CallOnce()");
}

void Once::End(bool succeeded) {
  std::lock_guard<SpinLock> hold(lock_);
  if (succeeded) {
    done_.store(true, std::memory_order_release);
    runner_ = nullptr;
    waiters_.WakeAll();
  } else {
    runner_ = waiters_.WakeOne();
  }
}

// The runner may live on another shard: it cannot end its attempt while lock_ is held.
uint64_t Once::RunnerOf(const void* once) {
  const auto* const self = static_cast<const Once*>(once);
  std::lock_guard<SpinLock> hold(self->lock_);
  return self->runner_ == nullptr ? 0 : self->runner_->id;
}

}  // namespace weft
