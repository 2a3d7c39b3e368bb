// How one fiber of a shard is cancelled from outside, by hand.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"

namespace weft::internal {
namespace {

constexpr char kDetail[] = "asked for by somebody who looked at the fibers";

}  // namespace

// A call has a scope of its own. A child of a task group shares the group's with its siblings, so
// it is given one, outside all that it has entered itself.
absl::Status Shard::CancelFiber(uint64_t id) {
  FiberRecord* const fiber = FindFiber(id);
  if (fiber == nullptr)
    return absl::NotFoundError(absl::StrCat("there is no fiber of number ", id, " any more"));
  CancelScope* outermost = nullptr;
  CancelScope* shared = fiber->scope;
  while (shared != nullptr && ScopeAccess::WasEnteredBy(*shared, *fiber)) {
    outermost = shared;
    shared = ScopeAccess::Enclosing(*shared);
  }
  if (shared != nullptr && fiber->group == nullptr) {
    shared->Cancel(CancelCause::kByHand, kDetail);
    return absl::OkStatus();
  }
  if (fiber->cancelled_by_hand != nullptr) return absl::OkStatus();
  auto own = std::make_unique<RootScope>(
      shared == nullptr ? kNeverNanos : ScopeAccess::DeadlineNanos(*shared), "by hand");
  own->Cancel(CancelCause::kByHand, kDetail);
  if (outermost != nullptr) {
    ScopeAccess::Enclose(*outermost, own.get());
    outermost->Cancel(CancelCause::kByHand, kDetail);
  } else {
    fiber->scope = own.get();
    if (shared != nullptr) ScopeAccess::WakeWaitersOf(*fiber, *shared);
  }
  fiber->cancelled_by_hand = std::move(own);
  return absl::OkStatus();
}

}  // namespace weft::internal
