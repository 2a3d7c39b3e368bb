// The two bricks of every primitive that fibers wait in: a lock for a few instructions, and a
// first-come-first-served list of waiters.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_WAIT_QUEUE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_WAIT_QUEUE_H_

#include <sched.h>

#include <atomic>

#include "platform/fiber/internal/waiter.h"

namespace weft::internal {

// Protects a primitive's state for a few instructions between shards. Never held across a park.
// Spins on the thread. The holder is running, or was preempted by the system: after a while the
// waiter gives its processor away, since the holder may need that very one.
class SpinLock {
 public:
  void lock() {
    while (locked_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
        for (int spins = 0; locked_.load(std::memory_order_relaxed); ++spins) {
          if (spins < kSpinsMax) {
            Pause();
          } else {
            sched_yield();
          }
        }
      }
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

 private:
  // A few microseconds: longer than any holder needs that is running.
  static constexpr int kSpinsMax = 200;
  static void Pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  std::atomic<bool> locked_{false};
};

// All calls under the owner's lock.
class WaitQueue {
 public:
  bool empty() const { return head_ == nullptr; }

  void Add(Waiter& waiter) {
    waiter.queue_previous = tail_;
    waiter.queue_next = nullptr;
    (tail_ == nullptr ? head_ : tail_->queue_next) = &waiter;
    tail_ = &waiter;
    waiter.queued = true;
  }

  // Idempotent: a waiter that was woken has been taken out already.
  void Remove(Waiter& waiter) {
    if (!waiter.queued) return;
    waiter.queued = false;
    (waiter.queue_previous == nullptr ? head_ : waiter.queue_previous->queue_next) =
        waiter.queue_next;
    (waiter.queue_next == nullptr ? tail_ : waiter.queue_next->queue_previous) =
        waiter.queue_previous;
  }

  // The oldest waiter; null if none.
  Waiter* front() { return head_; }

  // Wakes the oldest waiter that nothing else has woken, and returns its fiber; null if none.
  FiberRecord* WakeOne() {
    while (head_ != nullptr) {
      Waiter& waiter = *head_;
      FiberRecord* const fiber = waiter.fiber;
      Remove(waiter);
      if (Wake(waiter)) return fiber;
    }
    return nullptr;
  }
  void WakeAll() {
    while (WakeOne() != nullptr) {
    }
  }

 private:
  Waiter* head_ = nullptr;
  Waiter* tail_ = nullptr;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_WAIT_QUEUE_H_
