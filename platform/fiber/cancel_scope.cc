#include "platform/fiber/cancel_scope.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/check.h"
#include "platform/base/cut_text.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"

namespace weft {
namespace {

std::string CutDetail(absl::string_view detail) {
  return ShortenedText(detail, CancelScope::kMaxDetailBytes);
}

}  // namespace

CancelScope::CancelScope(const Options& options)
    : owner_(internal::CurrentFiber()),
      shard_(owner_ == nullptr ? nullptr : owner_->shard),
      name_(options.name),
      deadline_nanos_(internal::ToDeadlineNanos(options.deadline)) {
  Check(owner_ != nullptr, "a CancelScope is entered on a fiber");
  enclosing_ = owner_->scope;
  LinkInto(options.shield ? nullptr : enclosing_);
  owner_->scope = this;
}

CancelScope::CancelScope(internal::Shard* shard, CancelScope* parent, int64_t deadline_nanos,
                         const char* name)
    : shard_(shard), name_(name), deadline_nanos_(deadline_nanos) {
  LinkInto(parent);
}

internal::RootScope::RootScope(int64_t deadline_nanos, const char* name)
    : CancelScope(Shard::Current(), nullptr, deadline_nanos, name) {}

void CancelScope::LinkInto(CancelScope* parent) {
  parent_ = parent;
  if (parent == nullptr) return;
  deadline_nanos_ = std::min(deadline_nanos_, parent->deadline_nanos_);
  cause_ = parent->cause_;
  inherited_ = cause_ != CancelCause::kNone;
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

// --- Cancelling ------------------------------------------------------------------------------

void CancelScope::Cancel(CancelCause cause, absl::string_view detail) {
  Check(shard_ == nullptr || shard_ == internal::Shard::Current(),
        "a CancelScope is cancelled on the shard of the fiber that made it");
  Check(cause != CancelCause::kNone, "a CancelScope is cancelled for a cause: kNone is none");
  if (cause_ != CancelCause::kNone) return;
  const int64_t now_nanos = clock().MonotonicNanos();
  // The deadline may have come first, unseen: then nobody inside must hear of another cause.
  if (now_nanos < deadline_nanos_) {
    call_ = std::make_unique<CancelCall>(CancelCall{now_nanos, CutDetail(detail)});
  }
  CancelTree(cause, now_nanos);
}

// Down the tree by its links: scopes may nest deeper than a fiber's stack could recurse. No fiber
// runs meanwhile, so that the tree stays as it is. What lies in a scope that is cancelled already
// is cancelled too.
void CancelScope::CancelTree(CancelCause cause, int64_t now_nanos) {
  for (CancelScope* scope = this;;) {
    const bool fresh = scope->cause_ == CancelCause::kNone;
    if (fresh) scope->Mark(cause, now_nanos, /*inside=*/scope != this);
    if (fresh && scope->first_child_ != nullptr) {
      scope = scope->first_child_;
      continue;
    }
    while (scope != this && scope->next_sibling_ == nullptr) scope = scope->parent_;
    if (scope == this) return;
    scope = scope->next_sibling_;
  }
}

void CancelScope::Mark(CancelCause cause, int64_t now_nanos, bool inside) {
  const bool overdue = deadline_nanos_ <= now_nanos;
  inherited_ = overdue ? FollowsParent() : inside;
  cause_ = overdue ? CancelCause::kDeadline : cause;
  if (!inherited_ && shard_ != nullptr) shard_->CountCancelled(cause_);
  for (internal::Waiter* waiter = waiters_; waiter != nullptr;) {
    // The woken fiber unlinks itself later, when it runs: the list stays as it is meanwhile.
    internal::Waiter* const next = waiter->scope_next;
    internal::Wake(*waiter, internal::WakeReason::kCancelled);
    waiter = next;
  }
}

void CancelScope::NoticeDeadline() {
  if (cause_ != CancelCause::kNone || cause() == CancelCause::kNone) return;
  CancelScope* scope = this;
  while (scope->FollowsParent()) scope = scope->parent_;
  scope->CancelTree(CancelCause::kDeadline, scope->deadline_nanos_);
}

// --- Why -------------------------------------------------------------------------------------

CancelCause CancelScope::cause() const {
  if (cause_ != CancelCause::kNone || deadline_nanos_ == kNeverNanos) return cause_;
  return CauseAt(clock().MonotonicNanos());
}

// Of a scope that is cancelled or overdue: whether the one round it was before, so that it has the
// reason. A deadline that both have is the outer one's.
bool CancelScope::FollowsParent() const {
  if (cause_ != CancelCause::kNone) return inherited_;
  return parent_ != nullptr && parent_->deadline_nanos_ == deadline_nanos_;
}

const CancelScope& CancelScope::Origin() const {
  const CancelScope* scope = this;
  while (scope->FollowsParent()) scope = scope->parent_;
  return *scope;
}

// " [origin > … > this]", of the scopes that have a name; empty when none has.
std::string CancelScope::Names() const {
  std::vector<absl::string_view> names;
  for (const CancelScope* scope = this;; scope = scope->parent_) {
    if (*scope->name_ != '\0') names.push_back(scope->name_);
    if (!scope->FollowsParent()) break;
  }
  if (names.empty()) return "";
  std::reverse(names.begin(), names.end());
  if (names.size() > kMaxNamesShown) {
    const auto middle = names.begin() + kMaxNamesShown / 2;
    *names.erase(middle, middle + static_cast<ptrdiff_t>(names.size() - kMaxNamesShown)) = "…";
  }
  return absl::StrCat(" [", absl::StrJoin(names, " > "), "]");
}

absl::Status CancelScope::status() const {
  const CancelCause now = cause();
  if (now == CancelCause::kNone) return absl::OkStatus();
  const CancelCall* const call = Origin().call_.get();
  const absl::string_view detail = call == nullptr ? absl::string_view() : call->detail;
  if (now == CancelCause::kDeadline) {
    return absl::DeadlineExceededError(absl::StrCat(
        detail.empty() ? "the deadline of the cancel scope has passed" : detail, Names()));
  }
  return absl::CancelledError(absl::StrCat("cancelled: ", CancelCauseName(now),
                                           detail.empty() ? "" : ": ", detail, Names()));
}

std::vector<CancelReason> CancelScope::chain() const {
  std::vector<CancelReason> chain;
  const CancelCause now = cause();
  if (now == CancelCause::kNone) return chain;
  const CancelScope& origin = Origin();
  const CancelCall* const call = origin.call_.get();
  const absl::Time when = clock().ToTime(call == nullptr ? origin.deadline_nanos_ : call->nanos);
  for (const CancelScope* scope = this;; scope = scope->parent_) {
    chain.push_back({.cause = now, .scope = scope->name_, .detail = {}, .when = when});
    if (scope == &origin) break;
  }
  std::reverse(chain.begin(), chain.end());
  if (call != nullptr) chain[0].detail = call->detail;
  return chain;
}

absl::Time CancelScope::deadline() const { return clock().ToTime(deadline_nanos_); }

const Clock& CancelScope::clock() const {
  return shard_ == nullptr ? Clock::Real() : shard_->clock();
}

CancelScope* CancelScope::Current() {
  internal::FiberRecord* const fiber = internal::CurrentFiber();
  return fiber == nullptr ? nullptr : fiber->scope;
}

}  // namespace weft
