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

  void Add(WaitNode& node) {
    node.queue_previous = tail_;
    node.queue_next = nullptr;
    (tail_ == nullptr ? head_ : tail_->queue_next) = &node;
    tail_ = &node;
    node.queued = true;
  }

  // Idempotent: a node whose waiter was woken has been taken out already.
  void Remove(WaitNode& node) {
    if (!node.queued) return;
    node.queued = false;
    (node.queue_previous == nullptr ? head_ : node.queue_previous->queue_next) = node.queue_next;
    (node.queue_next == nullptr ? tail_ : node.queue_next->queue_previous) = node.queue_previous;
  }

  // The oldest node; null if none. Something else may have woken its waiter already.
  WaitNode* front() { return head_; }

  // Claims the oldest waiter that nothing else has woken, and takes its node out; null if none. The
  // caller hands over what the waiter came for, if anything, and then calls Resume().
  WaitNode* ClaimOne() {
    while (head_ != nullptr) {
      WaitNode& node = *head_;
      Remove(node);
      if (Claim(*node.waiter)) {
        node.granted = true;
        return &node;
      }
    }
    return nullptr;
  }
  // After ClaimOne(); `node` must not be touched any more.
  static void Resume(WaitNode& node) { internal::Resume(*node.waiter->fiber); }

  // Wakes the oldest waiter that nothing else has woken, and returns its fiber; null if none.
  FiberRecord* WakeOne() {
    WaitNode* const node = ClaimOne();
    if (node == nullptr) return nullptr;
    FiberRecord* const fiber = node->waiter->fiber;
    internal::Resume(*fiber);
    return fiber;
  }
  void WakeAll() {
    while (WakeOne() != nullptr) {
    }
  }

 private:
  WaitNode* head_ = nullptr;
  WaitNode* tail_ = nullptr;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_WAIT_QUEUE_H_
