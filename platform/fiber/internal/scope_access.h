// ScopeAccess: what the scheduler and the primitives do with a CancelScope beyond its public face.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SCOPE_ACCESS_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SCOPE_ACCESS_H_

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/waiter.h"

namespace weft::internal {

class ScopeAccess {
 public:
  // Without looking at the clock: a deadline that has passed shows only when a timer says so.
  static CancelCause Cause(const CancelScope& scope) { return scope.cause_; }
  static int64_t DeadlineNanos(const CancelScope& scope) { return scope.deadline_nanos_; }
  // For a park that was ended by the scope: a deadline that has passed unseen is seen now, once.
  static void NoticeDeadline(CancelScope& scope) { scope.NoticeDeadline(); }

  // For cancelling one fiber by hand (shard_cancel.cc).
  static bool WasEnteredBy(const CancelScope& scope, const FiberRecord& fiber) {
    return scope.owner_ == &fiber;
  }
  static CancelScope* Enclosing(const CancelScope& scope) { return scope.enclosing_; }
  static void Enclose(CancelScope& scope, CancelScope* by) { scope.enclosing_ = by; }
  // Ends the fiber's park, if the scope can end it.
  static void WakeWaitersOf(const FiberRecord& fiber, const CancelScope& scope) {
    for (Waiter* waiter = scope.waiters_; waiter != nullptr;) {
      Waiter* const next = waiter->scope_next;  // A waiter that was woken must not be touched.
      if (waiter->fiber == &fiber) Wake(*waiter, WakeReason::kCancelled);
      waiter = next;
    }
  }

  static void AddWaiter(CancelScope& scope, Waiter& waiter) {
    waiter.scope_next = scope.waiters_;
    if (scope.waiters_ != nullptr) scope.waiters_->scope_previous = &waiter;
    scope.waiters_ = &waiter;
  }
  static void RemoveWaiter(CancelScope& scope, Waiter& waiter) {
    (waiter.scope_previous == nullptr ? scope.waiters_ : waiter.scope_previous->scope_next) =
        waiter.scope_next;
    if (waiter.scope_next != nullptr) waiter.scope_next->scope_previous = waiter.scope_previous;
  }
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SCOPE_ACCESS_H_
