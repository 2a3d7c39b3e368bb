// Mutex and ConditionVariable for fibers: they park the fiber, never the thread, so that they may
// be held across a park. Usable from fibers of any shard; not from plain threads.
//
// Fairness: first come, first served. Unlock() hands the mutex to the fiber that has waited
// longest; a late-comer cannot overtake.
#ifndef WEFT_PLATFORM_FIBER_MUTEX_H_
#define WEFT_PLATFORM_FIBER_MUTEX_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

class Mutex {
 public:
  Mutex() = default;
  ~Mutex();  // Requires: not locked, nobody waits.
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // Parks until the mutex is the caller's. Never a cancel point: a lock always succeeds, so that
  // std::lock_guard and std::unique_lock work. Not recursive: locking twice crashes.
  void Lock();
  // As Lock(), but a cancel point when it parks. Returns OK with the mutex held; without it
  // DEADLINE_EXCEEDED or the cancel scope's status. A free mutex is taken in a cancelled scope too,
  // and after `deadline`.
  absl::Status LockCancellable(absl::Time deadline = absl::InfiniteFuture());
  // Never parks.
  bool TryLock();
  // Requires: held by the calling fiber. Never parks.
  void Unlock();

  // The standard library's names, for std::lock_guard and kin.
  void lock() { Lock(); }
  bool try_lock() { return TryLock(); }
  void unlock() { Unlock(); }

 private:
  friend class ConditionVariable;
  static uint64_t OwnerOf(const void* mutex);
  absl::Status LockSlow(bool cancellable, absl::Time deadline);
  mutable internal::SpinLock lock_;
  internal::FiberRecord* owner_ = nullptr;
  internal::WaitQueue waiters_;
};

class ConditionVariable {
 public:
  ConditionVariable() = default;
  ~ConditionVariable();  // Requires: nobody waits.
  ConditionVariable(const ConditionVariable&) = delete;
  ConditionVariable& operator=(const ConditionVariable&) = delete;

  // Unlocks `mutex`, parks until notified, locks again (always, whatever the status). A cancel
  // point: OK after a notification; the cancel scope's status after a cancellation;
  // DEADLINE_EXCEEDED after `deadline` (weft::Now() scale). May wake without a reason: use a loop.
  absl::Status Wait(Mutex& mutex, absl::Time deadline = absl::InfiniteFuture());

  // As above until `predicate()`, checked under the mutex, holds.
  template <typename Predicate>
  absl::Status WaitUntil(Mutex& mutex, Predicate predicate,
                         absl::Time deadline = absl::InfiniteFuture()) {
    while (!predicate()) {
      if (absl::Status s = Wait(mutex, deadline); !s.ok()) {
        return predicate() ? absl::OkStatus() : s;
      }
    }
    return absl::OkStatus();
  }

  // Wake one waiter (the oldest), or all. Never parks; also from plain threads.
  void NotifyOne();
  void NotifyAll();

 private:
  internal::SpinLock lock_;
  internal::WaitQueue waiters_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_MUTEX_H_
