// SelectCase: what a Select can wait for, as the Select sees it. Every primitive brings its own,
// beside itself: a class that implements this protocol, and a function that makes one.
//
// A Select (select.cc)
//   1. locks all its cases' primitives in the order of their addresses and asks each case, from one
//      drawn by chance on, to TryFire(): to do what it is there for, if it can be done now;
//   2. else lets every case Arm(): put its WaitNode, which carries the Select's one Waiter, into
//      its primitive's queue; unlocks all and parks. Who can serve a node claims the Waiter, so
//      that one of them wins, does the case's work and resumes the fiber;
//   3. lets every case Disarm(), each under its lock: the node is taken out, and the case that was
//      granted says so;
//   4. runs that case's handler, with no lock held.
// Since 1 and 2 are one step for all primitives together, two Selects on different shards that
// could serve each other never both park, nor both give way.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SELECT_CASE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SELECT_CASE_H_

#include <cstdint>

#include "platform/base/clock.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

namespace internal {

class Selector;

// The handler of a case that has none.
struct NoHandler {
  template <typename... Results>
  void operator()(Results&&...) const {}
};

}  // namespace internal

// Belongs to the fiber that selects. May be used in one Select after another.
class SelectCase {
 public:
  SelectCase(SelectCase&&) noexcept {}  // Requires: no Select waits for it.
  SelectCase& operator=(SelectCase&&) = delete;

 protected:
  SelectCase() = default;
  ~SelectCase() = default;

 private:
  friend class internal::Selector;

  // The lock of what is waited for; null when there is nothing to lock (a timer).
  virtual internal::SpinLock* lock() { return nullptr; }
  // When the case fires by itself, on the monotonic scale of the runtime's clock.
  virtual int64_t deadline_nanos() const { return kNeverNanos; }
  // Under lock(). True when it could be, and so has been, done at once.
  virtual bool TryFire() { return false; }
  virtual void Arm(internal::Waiter& /*waiter*/) {}
  // True when the case was granted since Arm().
  virtual bool Disarm() { return false; }
  // Without locks, after TryFire() or Disarm() returned true or at the deadline.
  virtual void Handle() = 0;

  SelectCase* next_to_lock_ = nullptr;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SELECT_CASE_H_
