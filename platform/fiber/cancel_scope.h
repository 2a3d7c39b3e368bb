// CancelScope: the part of a program that is given up together, with an optional deadline.
//
// Scopes nest as blocks do. Every park of a fiber inside a scope is a *cancel point* unless its
// documentation says otherwise: when the scope, or one round it, is cancelled or its deadline
// passes, the call that parked returns at once with the scope's status, and so does every later
// cancel point inside the scope. Nothing is interrupted between cancel points, and a scope that is
// not parked in costs nothing: deadlines are armed only while a fiber waits.
//
//   weft::CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(50)});
//   if (absl::Status s = channel.Send(1); !s.ok()) return s;   // DEADLINE_EXCEEDED after 50 ms
//
// Shield: inside a scope with `.shield = true` the scopes round it are not felt, neither their
// cancellation nor their deadline. For clean-up that must finish; give it a deadline of its own.
//
// Threading: a scope belongs to the fiber that made it and to that fiber's shard. All calls must
// come from fibers (or the loop) of that shard.
#ifndef WEFT_PLATFORM_FIBER_CANCEL_SCOPE_H_
#define WEFT_PLATFORM_FIBER_CANCEL_SCOPE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"

namespace weft {

namespace internal {
class RootScope;
class ScopeAccess;
struct FiberRecord;
struct Waiter;
}  // namespace internal

// Why a scope was cancelled. Ordered from "nothing" to "somebody said so".
enum class CancelCause {
  kNone,
  kClientGone,     // the peer cancelled, or its connection broke
  kDeadline,       // the scope's own deadline, or that of a scope round it
  kSiblingFailed,  // another child of the same TaskGroup failed
  kDrain,          // the process is shutting down
  kOverload,       // shed to protect the rest
  kByHand,         // Cancel() without a better reason
};

// "client gone", "deadline", … Never empty.
absl::string_view CancelCauseName(CancelCause cause);

class CancelScope {
 public:
  struct Options {
    absl::Time deadline = absl::InfiniteFuture();
    bool shield = false;
  };

  // Enters the scope on the calling fiber. Requires: called on a fiber; left (destroyed) by the
  // same fiber in reverse order of entering.
  CancelScope() : CancelScope(Options{}) {}
  explicit CancelScope(const Options& options);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  // Cancels the scope and all scopes inside it; fibers parked in it wake. The first cause wins.
  // `detail` is for people and may be empty. Never parks.
  void Cancel(CancelCause cause = CancelCause::kByHand, absl::string_view detail = {});

  // True once this scope, or one round it that is not shielded off, is cancelled or overdue.
  bool cancelled() const { return cause() != CancelCause::kNone; }
  CancelCause cause() const;
  // OK; or CANCELLED with the cause's name and detail; or DEADLINE_EXCEEDED.
  absl::Status status() const;

  // The earliest deadline that holds here: own, and of the scopes round it up to a shield.
  absl::Time deadline() const;

  // The innermost scope of the calling fiber; null where there is none. Any thread.
  static CancelScope* Current();

 private:
  friend class TaskGroup;
  friend class internal::RootScope;
  friend class internal::ScopeAccess;

  // A scope inside `parent` (null: a root) that no fiber has entered yet: its fibers are started
  // in it.
  struct NotEntered {};
  CancelScope(NotEntered, CancelScope* parent, int64_t deadline_nanos);
  void LinkInto(CancelScope* parent, int64_t deadline_nanos);

  CancelScope* parent_ = nullptr;       // null also behind a shield
  CancelScope* enclosing_ = nullptr;    // what the fiber returns to on leaving
  CancelScope* first_child_ = nullptr;  // scopes to cancel with this one
  CancelScope* next_sibling_ = nullptr;
  CancelScope* previous_sibling_ = nullptr;
  internal::Waiter* waiters_ = nullptr;     // parks to end when this scope is cancelled
  internal::FiberRecord* owner_ = nullptr;  // the fiber that entered; null: not entered
  int64_t deadline_nanos_ = kNeverNanos;    // the effective one
  CancelCause cause_ = CancelCause::kNone;
  std::string detail_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CANCEL_SCOPE_H_
