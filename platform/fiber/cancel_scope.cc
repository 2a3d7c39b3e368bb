#include "platform/fiber/cancel_scope.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"

namespace weft {
namespace {

const Clock& CurrentClock() {
  internal::Shard* const shard = internal::Shard::Current();
  return shard == nullptr ? Clock::Real() : shard->clock();
}

}  // namespace

absl::string_view CancelCauseName(CancelCause cause) {
  switch (cause) {
    case CancelCause::kNone:
      return "not cancelled";
    case CancelCause::kClientGone:
      return "client gone";
    case CancelCause::kDeadline:
      return "deadline";
    case CancelCause::kSiblingFailed:
      return "sibling failed";
    case CancelCause::kDrain:
      return "drain";
    case CancelCause::kOverload:
      return "overload";
    case CancelCause::kByHand:
      return "by hand";
  }
  return "unknown";
}

CancelScope::CancelScope(const Options& options) : owner_(internal::CurrentFiber()) {
  Check(owner_ != nullptr, "a CancelScope is entered on a fiber");
  enclosing_ = owner_->scope;
  LinkInto(options.shield ? nullptr : enclosing_, internal::ToDeadlineNanos(options.deadline));
  owner_->scope = this;
}

CancelScope::CancelScope(NotEntered, CancelScope* parent, int64_t deadline_nanos) {
  LinkInto(parent, deadline_nanos);
}

void CancelScope::LinkInto(CancelScope* parent, int64_t deadline_nanos) {
  deadline_nanos_ = deadline_nanos;
  parent_ = parent;
  if (parent == nullptr) return;
  deadline_nanos_ = std::min(deadline_nanos, parent->deadline_nanos_);
  cause_ = parent->cause_;
  detail_ = parent->detail_;
  next_sibling_ = parent->first_child_;
  if (next_sibling_ != nullptr) next_sibling_->previous_sibling_ = this;
  parent->first_child_ = this;
}

CancelScope::~CancelScope() {
  Check(waiters_ == nullptr && first_child_ == nullptr,
        "a CancelScope is destroyed while fibers wait in it or scopes lie in it");
  if (owner_ != nullptr) {
    Check(owner_->scope == this, "CancelScopes are left in the reverse order of entering");
    owner_->scope = enclosing_;
  }
  if (parent_ == nullptr) return;
  (previous_sibling_ == nullptr ? parent_->first_child_ : previous_sibling_->next_sibling_) =
      next_sibling_;
  if (next_sibling_ != nullptr) next_sibling_->previous_sibling_ = previous_sibling_;
}

void CancelScope::Cancel(CancelCause cause, absl::string_view detail) {
  if (cause_ != CancelCause::kNone) return;
  Check(owner_ == nullptr || owner_->shard == internal::Shard::Current(),
        "a CancelScope is cancelled on the shard of the fiber that made it");
  // The deadline may have come first, unseen: then nobody inside must hear of another cause.
  const bool overdue = this->cause() == CancelCause::kDeadline;
  cause_ = overdue ? CancelCause::kDeadline : cause;
  detail_ = overdue ? std::string() : std::string(detail);
  for (internal::Waiter* waiter = waiters_; waiter != nullptr;) {
    // The woken fiber unlinks itself later, when it runs: the list stays as it is meanwhile.
    internal::Waiter* const next = waiter->scope_next;
    internal::Wake(*waiter, internal::WakeReason::kCancelled);
    waiter = next;
  }
  for (CancelScope* child = first_child_; child != nullptr; child = child->next_sibling_) {
    child->Cancel(cause, detail);
  }
}

CancelCause CancelScope::cause() const {
  if (cause_ != CancelCause::kNone) return cause_;
  if (deadline_nanos_ == kNeverNanos) return CancelCause::kNone;
  return deadline_nanos_ <= CurrentClock().MonotonicNanos() ? CancelCause::kDeadline
                                                            : CancelCause::kNone;
}

absl::Status CancelScope::status() const {
  const CancelCause now = cause();
  if (now == CancelCause::kNone) return absl::OkStatus();
  if (now == CancelCause::kDeadline) {
    return absl::DeadlineExceededError(
        detail_.empty() ? "the deadline of the cancel scope has passed" : detail_);
  }
  return absl::CancelledError(
      detail_.empty() ? absl::StrCat("cancelled: ", CancelCauseName(now))
                      : absl::StrCat("cancelled: ", CancelCauseName(now), ": ", detail_));
}

absl::Time CancelScope::deadline() const { return CurrentClock().ToTime(deadline_nanos_); }

CancelScope* CancelScope::Current() {
  internal::FiberRecord* const fiber = internal::CurrentFiber();
  return fiber == nullptr ? nullptr : fiber->scope;
}

}  // namespace weft
