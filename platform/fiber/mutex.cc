#include "platform/fiber/mutex.h"

#include <mutex>

#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"

namespace weft {

using internal::CurrentFiber;
using internal::FiberRecord;
using internal::SpinLock;
using internal::Waiter;
using internal::WakeReason;

Mutex::~Mutex() {
  std::lock_guard<SpinLock> hold(lock_);  // Whoever unlocked last may still be in Unlock().
  Check(owner_ == nullptr, "a Mutex is destroyed while locked");
}

void Mutex::Lock() {
  if (!TryLock()) LockSlow(/*cancellable=*/false, absl::InfiniteFuture()).IgnoreError();
}

absl::Status Mutex::LockCancellable(absl::Time deadline) {
  return TryLock() ? absl::OkStatus() : LockSlow(/*cancellable=*/true, deadline);
}

// The owner may live on another shard: it cannot unlock, and so cannot end, while lock_ is held.
uint64_t Mutex::OwnerOf(const void* mutex) {
  const auto* const self = static_cast<const Mutex*>(mutex);
  std::lock_guard<SpinLock> hold(self->lock_);
  return self->owner_ == nullptr ? 0 : self->owner_->id;
}

absl::Status Mutex::LockSlow(bool cancellable, absl::Time deadline) {
  Waiter waiter({.kind = "mutex", .object = this, .owner = &Mutex::OwnerOf});
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (owner_ == nullptr) {  // Unlocked since TryLock().
      owner_ = waiter.fiber;
      return absl::OkStatus();
    }
    Check(owner_ != waiter.fiber, "a fiber locks a Mutex that it already holds");
    waiters_.Add(waiter);
  }
  const int64_t deadline_nanos = internal::ToDeadlineNanos(deadline);
  const WakeReason reason = cancellable ? internal::Park(waiter, deadline_nanos)
                                        : internal::ParkUncancellable(waiter, deadline_nanos);
  if (reason == WakeReason::kNotified) return absl::OkStatus();  // Unlock() made us the owner.
  std::lock_guard<SpinLock> hold(lock_);
  waiters_.Remove(waiter);
  return internal::ParkStatus(reason, "waiting for a mutex");
}

bool Mutex::TryLock() {
  FiberRecord* const self = CurrentFiber();
  Check(self != nullptr, "a weft::Mutex is for fibers");
  std::lock_guard<SpinLock> hold(lock_);
  if (owner_ != nullptr) return false;
  owner_ = self;
  return true;
}

void Mutex::Unlock() {
  std::lock_guard<SpinLock> hold(lock_);
  Check(owner_ != nullptr && owner_ == CurrentFiber(), "a Mutex is unlocked by who holds it");
  owner_ = waiters_.WakeOne();
}

ConditionVariable::~ConditionVariable() {
  std::lock_guard<SpinLock> hold(lock_);  // Whoever notified last may still be in Notify…().
  Check(waiters_.empty(), "a ConditionVariable is destroyed while fibers wait for it");
}

absl::Status ConditionVariable::Wait(Mutex& mutex, absl::Time deadline) {
  const int64_t deadline_nanos = internal::ToDeadlineNanos(deadline);
  Waiter waiter({.kind = "condition variable", .object = this});
  {
    std::lock_guard<SpinLock> hold(lock_);
    waiters_.Add(waiter);
  }
  mutex.Unlock();
  const WakeReason reason = internal::Park(waiter, deadline_nanos);
  if (reason != WakeReason::kNotified) {
    std::lock_guard<SpinLock> hold(lock_);
    waiters_.Remove(waiter);
  }
  mutex.Lock();
  return internal::ParkStatus(reason, "waiting for a condition");
}

void ConditionVariable::NotifyOne() {
  std::lock_guard<SpinLock> hold(lock_);
  waiters_.WakeOne();
}

void ConditionVariable::NotifyAll() {
  std::lock_guard<SpinLock> hold(lock_);
  waiters_.WakeAll();
}

}  // namespace weft
