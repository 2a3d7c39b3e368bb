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
// Why: a cancellation begins in one scope, the origin, with a cause and a detail, and goes from
// there to every scope inside. Each of them can tell the way it came (chain()), and status() says
// it in a line, with the names of the scopes on that way, origin first:
//
//   cancelled: drain: the server is shutting down [shop.v1.Shop/Get > prices] (while sleeping)
//   cancelled: sibling failed: task 'stock': NOT_FOUND: no sku 7 [offer > prices] (while sleeping)
//   the deadline of the cancel scope has passed [offer] (while sleeping)
//
// Nothing is allocated for it before a scope is cancelled. Cancelling takes time for each scope
// inside, and stack for none of them.
//
// Threading: a scope belongs to the fiber that made it and to that fiber's shard. All calls must
// come from fibers (or the loop) of that shard.
#ifndef WEFT_PLATFORM_FIBER_CANCEL_SCOPE_H_
#define WEFT_PLATFORM_FIBER_CANCEL_SCOPE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/cancel_cause.h"

namespace weft {

namespace internal {
class RootScope;
class ScopeAccess;
class Shard;
struct FiberRecord;
struct Waiter;
}  // namespace internal

// One scope on the way of a cancellation.
struct CancelReason {
  CancelCause cause = CancelCause::kNone;
  absl::string_view scope;  // its name; empty for one without
  std::string detail;  // of the origin; empty in the scopes inside, which were cancelled with it
  absl::Time when;     // when Cancel() was called, or the deadline
};

class CancelScope {
 public:
  struct Options {
    absl::Time deadline = absl::InfiniteFuture();
    bool shield = false;
    // Shown in the chain of a cancellation; outlives the scope (a literal).
    const char* name = "";
  };

  // Longer details are cut: they travel in statuses, which travel in gRPC's metadata.
  static constexpr size_t kMaxDetailBytes = 512;
  // More names are left out of status()'s line, from the middle.
  static constexpr size_t kMaxNamesShown = 8;

  // Enters the scope on the calling fiber. Requires: called on a fiber; left (destroyed) by the
  // same fiber in reverse order of entering.
  CancelScope() : CancelScope(Options{}) {}
  explicit CancelScope(const Options& options);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  // Cancels the scope and all scopes inside it; fibers parked in it wake. The first cause wins, and
  // a deadline that has passed came first. `cause` is not kNone; `detail` is for people and may be
  // empty. Never parks.
  void Cancel(CancelCause cause = CancelCause::kByHand, absl::string_view detail = {});

  // True once this scope, or one round it that is not shielded off, is cancelled or overdue.
  bool cancelled() const { return cause() != CancelCause::kNone; }
  CancelCause cause() const;
  // cause(), for whoever has just read the runtime's clock: `monotonic_nanos`.
  CancelCause CauseAt(int64_t monotonic_nanos) const {
    if (cause_ != CancelCause::kNone) return cause_;
    return deadline_nanos_ <= monotonic_nanos ? CancelCause::kDeadline : CancelCause::kNone;
  }
  // OK; or CANCELLED with cause, detail and the scopes' names; or DEADLINE_EXCEEDED.
  absl::Status status() const;
  // How the cancellation came here: the origin first, this scope last. Empty while not cancelled.
  std::vector<CancelReason> chain() const;

  // The earliest deadline that holds here: own, and of the scopes round it up to a shield.
  absl::Time deadline() const;

  // The innermost scope of the calling fiber; null where there is none. Any thread.
  static CancelScope* Current();

 private:
  friend class TaskGroup;
  friend class internal::RootScope;
  friend class internal::ScopeAccess;

  // A scope inside `parent` (null: a root) that no fiber has entered yet: its fibers are started
  // in it, on `shard`.
  CancelScope(internal::Shard* shard, CancelScope* parent, int64_t deadline_nanos,
              const char* name);
  void LinkInto(CancelScope* parent);

  // The call of Cancel() that a cancellation began with.
  struct CancelCall {
    int64_t nanos;
    std::string detail;
  };
  void CancelTree(CancelCause cause, int64_t now_nanos);
  void Mark(CancelCause cause, int64_t now_nanos, bool inside);
  // A deadline has ended a park: from now on the scope is cancelled like any other.
  void NoticeDeadline();
  bool FollowsParent() const;
  const CancelScope& Origin() const;
  std::string Names() const;
  const Clock& clock() const;

  CancelScope* parent_ = nullptr;       // null also behind a shield
  CancelScope* enclosing_ = nullptr;    // what the fiber returns to on leaving
  CancelScope* first_child_ = nullptr;  // scopes to cancel with this one
  CancelScope* next_sibling_ = nullptr;
  CancelScope* previous_sibling_ = nullptr;
  internal::Waiter* waiters_ = nullptr;     // parks to end when this scope is cancelled
  internal::FiberRecord* owner_ = nullptr;  // the fiber that entered; null: not entered
  internal::Shard* const shard_;            // null: made off shards, by a test
  const char* const name_;
  int64_t deadline_nanos_;  // the effective one
  CancelCause cause_ = CancelCause::kNone;
  bool inherited_ = false;            // cancelled with parent_, which knows more
  std::unique_ptr<CancelCall> call_;  // null: none yet, or a deadline or parent_ was the reason
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CANCEL_SCOPE_H_
