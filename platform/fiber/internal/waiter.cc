#include "platform/fiber/internal/waiter.h"

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"

namespace weft::internal {

Waiter::Waiter(const WaitInfo& wait_info) : WaitNode(this), fiber(CurrentFiber()), info(wait_info) {
  Check(fiber != nullptr,
        "a call that parks was made off fibers: run it on one (Runtime::Run, TaskGroup::Spawn)");
}

WakeReason Park(Waiter& waiter, int64_t deadline_nanos) {
  return waiter.fiber->shard->Park(waiter, deadline_nanos, /*cancellable=*/true);
}

WakeReason ParkUncancellable(Waiter& waiter, int64_t deadline_nanos) {
  return waiter.fiber->shard->Park(waiter, deadline_nanos, /*cancellable=*/false);
}

bool Wake(Waiter& waiter, WakeReason reason) {
  if (!Claim(waiter, reason)) return false;
  Resume(*waiter.fiber);
  return true;
}

void Resume(FiberRecord& fiber) { fiber.shard->MakeReadyFromAnywhere(fiber); }

absl::Status ParkStatus(WakeReason reason, absl::string_view doing) {
  if (reason == WakeReason::kNotified) return absl::OkStatus();
  if (reason == WakeReason::kDeadline) {
    return absl::DeadlineExceededError(absl::StrCat("the deadline passed while ", doing));
  }
  CancelScope* const scope = CancelScope::Current();
  if (scope != nullptr) ScopeAccess::NoticeDeadline(*scope);
  const absl::Status status = scope == nullptr ? absl::OkStatus() : scope->status();
  if (status.ok()) return absl::CancelledError(absl::StrCat("cancelled while ", doing));
  return absl::Status(status.code(), absl::StrCat(status.message(), " (while ", doing, ")"));
}

int64_t ToDeadlineNanos(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return kNeverNanos;
  Shard* const shard = Shard::Current();
  return (shard == nullptr ? Clock::Real() : shard->clock()).ToMonotonicNanos(deadline);
}

bool StartFiber(FiberBody& body, const StartOptions& options) {
  Shard* const shard = Shard::Current();
  Check(shard != nullptr, "fibers are started from a fiber or the loop of a runtime");
  return shard->Start(body, options);
}

}  // namespace weft::internal
