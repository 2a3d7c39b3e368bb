#include "platform/fiber/shared_mutex.h"

#include <mutex>

#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"

namespace weft {

using internal::CurrentFiber;
using internal::FiberRecord;
using internal::SpinLock;
using internal::WakeReason;

// On the stack of the fiber that waits.
struct SharedMutex::Request : internal::Waiter {
  Request(const internal::WaitInfo& wait_info, Mode wanted) : Waiter(wait_info), mode(wanted) {}
  const Mode mode;
};

SharedMutex::~SharedMutex() {
  std::lock_guard<SpinLock> hold(lock_);  // Whoever unlocked last may still be in Unlock…().
  Check(writer_ == nullptr && readers_ == 0, "a SharedMutex is destroyed while locked");
}

void SharedMutex::Lock() {
  if (TryEnter(Mode::kWrite)) return;
  EnterSlow(Mode::kWrite, /*cancellable=*/false, absl::InfiniteFuture()).IgnoreError();
}

absl::Status SharedMutex::LockCancellable(absl::Time deadline) {
  if (TryEnter(Mode::kWrite)) return absl::OkStatus();
  return EnterSlow(Mode::kWrite, /*cancellable=*/true, deadline);
}

bool SharedMutex::TryLock() { return TryEnter(Mode::kWrite); }

void SharedMutex::Unlock() {
  std::lock_guard<SpinLock> hold(lock_);
  Check(writer_ != nullptr && writer_ == CurrentFiber(),
        "a SharedMutex is unlocked by who holds it for writing");
  writer_ = nullptr;
  Serve();
}

void SharedMutex::LockShared() {
  if (TryEnter(Mode::kRead)) return;
  EnterSlow(Mode::kRead, /*cancellable=*/false, absl::InfiniteFuture()).IgnoreError();
}

absl::Status SharedMutex::LockSharedCancellable(absl::Time deadline) {
  if (TryEnter(Mode::kRead)) return absl::OkStatus();
  return EnterSlow(Mode::kRead, /*cancellable=*/true, deadline);
}

bool SharedMutex::TryLockShared() { return TryEnter(Mode::kRead); }

void SharedMutex::UnlockShared() {
  std::lock_guard<SpinLock> hold(lock_);
  Check(readers_ > 0, "UnlockShared() of a SharedMutex that nobody holds for reading");
  --readers_;
  Serve();
}

bool SharedMutex::TryEnter(Mode mode) {
  FiberRecord* const self = CurrentFiber();
  Check(self != nullptr, "a weft::SharedMutex is for fibers");
  std::lock_guard<SpinLock> hold(lock_);
  if (!requests_.empty() || !Free(mode)) return false;
  Enter(mode, self);
  return true;
}

absl::Status SharedMutex::EnterSlow(Mode mode, bool cancellable, absl::Time deadline) {
  const char* const kind = mode == Mode::kWrite ? "shared mutex (write)" : "shared mutex (read)";
  Request self({.kind = kind, .object = this, .owner = &SharedMutex::WriterOf}, mode);
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (requests_.empty() && Free(mode)) {  // Unlocked since TryEnter().
      Enter(mode, self.fiber);
      return absl::OkStatus();
    }
    Check(writer_ != self.fiber, "a fiber locks a SharedMutex that it already holds");
    requests_.Add(self);
  }
  const int64_t deadline_nanos = internal::ToDeadlineNanos(deadline);
  const WakeReason reason = cancellable ? internal::Park(self, deadline_nanos)
                                        : internal::ParkUncancellable(self, deadline_nanos);
  if (reason == WakeReason::kNotified) return absl::OkStatus();  // Serve() let us in.
  {
    std::lock_guard<SpinLock> hold(lock_);
    requests_.Remove(self);
    Serve();  // Readers may have waited behind this writer.
  }
  return internal::ParkStatus(reason, "waiting for a shared mutex");
}

// The writer may live on another shard: it cannot unlock, and so cannot end, while lock_ is held.
uint64_t SharedMutex::WriterOf(const void* shared_mutex) {
  const auto* const self = static_cast<const SharedMutex*>(shared_mutex);
  std::lock_guard<SpinLock> hold(self->lock_);
  return self->writer_ == nullptr ? 0 : self->writer_->id;
}

bool SharedMutex::Free(Mode mode) const {
  return writer_ == nullptr && (mode == Mode::kRead || readers_ == 0);
}

void SharedMutex::Enter(Mode mode, FiberRecord* fiber) {
  if (mode == Mode::kWrite) {
    writer_ = fiber;
  } else {
    ++readers_;
  }
}

// Lets in whom the mutex is free for, from the head of the line: a writer, or readers up to the
// next writer.
void SharedMutex::Serve() {
  while (auto* const request = static_cast<Request*>(requests_.front())) {
    const Mode mode = request->mode;  // The request may be gone after its wake.
    FiberRecord* const fiber = request->fiber;
    if (!Free(mode)) return;
    requests_.Remove(*request);
    if (internal::Wake(*request)) Enter(mode, fiber);
  }
}

}  // namespace weft
