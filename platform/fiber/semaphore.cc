#include "platform/fiber/semaphore.h"

#include <mutex>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace weft {

using internal::SpinLock;
using internal::WakeReason;

// On the stack of the fiber that waits.
struct Semaphore::Request : internal::Waiter {
  Request(const internal::WaitInfo& wait_info, size_t permits) : Waiter(wait_info), n(permits) {}
  const size_t n;
};

Semaphore::Semaphore(size_t count) : count_(count), available_(count) {
  Check(count >= 1, "a Semaphore has at least one permit");
}

Semaphore::~Semaphore() {
  std::lock_guard<SpinLock> hold(lock_);  // Whoever released last may still be in Release().
  Check(requests_.empty(), "a Semaphore is destroyed while fibers wait for it");
  Check(available_ == count_, "a Semaphore is destroyed while permits are out");
}

absl::Status Semaphore::Acquire(size_t n, absl::Time deadline) {
  Request self({.kind = "semaphore", .object = this}, n);
  if (n > count_) {
    return absl::InvalidArgumentError(absl::StrCat("a semaphore of ", count_,
                                                   " permits was asked for ", n,
                                                   ", which it will never have: ask for fewer"));
  }
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (TakeIfFirst(n)) return absl::OkStatus();
    requests_.Add(self);
  }
  const WakeReason reason = internal::Park(self, internal::ToDeadlineNanos(deadline));
  if (reason == WakeReason::kNotified) return absl::OkStatus();  // Serve() took them for us.
  {
    std::lock_guard<SpinLock> hold(lock_);
    requests_.Remove(self);
    Serve();  // A smaller request may have waited behind this one.
  }
  return internal::ParkStatus(reason, "waiting for a semaphore");
}

bool Semaphore::TryAcquire(size_t n) {
  std::lock_guard<SpinLock> hold(lock_);
  return TakeIfFirst(n);
}

void Semaphore::Release(size_t n) {
  std::lock_guard<SpinLock> hold(lock_);
  Check(n <= count_ - available_, "more permits of a Semaphore are released than are out");
  available_ += n;
  Serve();
}

absl::StatusOr<SemaphorePermit> Semaphore::AcquirePermit(size_t n, absl::Time deadline) {
  if (absl::Status s = Acquire(n, deadline); !s.ok()) return s;
  return SemaphorePermit(*this, n);
}

std::optional<SemaphorePermit> Semaphore::TryAcquirePermit(size_t n) {
  if (!TryAcquire(n)) return std::nullopt;
  return SemaphorePermit(*this, n);
}

size_t Semaphore::available() const {
  std::lock_guard<SpinLock> hold(lock_);
  return available_;
}

bool Semaphore::TakeIfFirst(size_t n) {
  if (n > available_ || (n > 0 && !requests_.empty())) return false;
  available_ -= n;
  return true;
}

// Hands permits to the requests at the head of the line, as far as they go.
void Semaphore::Serve() {
  while (auto* const request = static_cast<Request*>(requests_.front())) {
    const size_t n = request->n;  // The request may be gone after its wake.
    if (n > available_) return;
    requests_.Remove(*request);
    if (internal::Wake(*request)) available_ -= n;
  }
}

}  // namespace weft
