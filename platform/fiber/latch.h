// Latch: opens once, after `count` arrivals, and stays open. For "wait until all of them are ready"
// where the parties are not children of one task group, or go on afterwards.
//
//   weft::Latch warm(shards);
//   … on each shard: LoadCache(); warm.CountDown();
//   if (absl::Status s = warm.Wait(deadline); !s.ok()) return s;
//
// Threads: Wait() and ArriveAndWait() on fibers of any shard; the rest also from plain threads. All
// that wait are let go together; what was written before a CountDown() is visible after the wait.
//
// Lifetime: a waiter that was let go may destroy the latch at once, while the last CountDown() is
// still on its way out. Other fibers that wait must have returned first (join their task group).
#ifndef WEFT_PLATFORM_FIBER_LATCH_H_
#define WEFT_PLATFORM_FIBER_LATCH_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

class Latch {
 public:
  // With count = 0 it is open from the start.
  explicit Latch(size_t count) : left_(count) {}
  ~Latch();  // Requires: nobody waits.
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;

  // `n` arrivals at once. Requires: no more than are still awaited. Never parks.
  void CountDown(size_t n = 1);

  // Parks until the latch is open. A cancel point when it parks: an open latch is passed in a
  // cancelled scope too, and after `deadline`. Errors: DEADLINE_EXCEEDED, or the cancel scope's
  // status. Requires: on a fiber.
  absl::Status Wait(absl::Time deadline = absl::InfiniteFuture());

  // CountDown(), then Wait(). The arrival counts even if the wait fails.
  absl::Status ArriveAndWait(absl::Time deadline = absl::InfiniteFuture());

  // Whether it is open. Never parks.
  bool TryWait() const;

 private:
  mutable internal::SpinLock lock_;
  size_t left_;
  internal::WaitQueue waiters_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_LATCH_H_
