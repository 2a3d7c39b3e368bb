#include "platform/fiber/fiber.h"

#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/waiter.h"

namespace weft {

bool OnFiber() { return internal::CurrentFiber() != nullptr; }

uint64_t CurrentFiberId() {
  const internal::FiberRecord* const fiber = internal::CurrentFiber();
  return fiber == nullptr ? 0 : fiber->id;
}

absl::Time Now() {
  internal::Shard* const shard = internal::Shard::Current();
  return (shard == nullptr ? Clock::Real() : shard->clock()).Now();
}

void Yield() {
  internal::FiberRecord* const fiber = internal::CurrentFiber();
  Check(fiber != nullptr, "Yield() is for fibers");
  fiber->shard->Yield();
}

bool YieldIfDue() {
  internal::FiberRecord* const fiber = internal::CurrentFiber();
  Check(fiber != nullptr, "YieldIfDue() is for fibers");
  return fiber->shard->YieldIfDue();
}

absl::Status SleepFor(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return SleepUntil(absl::InfiniteFuture());
  return SleepUntil(Now() + duration);
}

absl::Status SleepUntil(absl::Time time) {
  internal::Waiter waiter({.kind = "sleep"});
  const int64_t deadline = internal::ToDeadlineNanos(time);
  if (deadline <= waiter.fiber->shard->clock().MonotonicNanos()) {
    const CancelScope* const scope = CancelScope::Current();
    return scope == nullptr ? absl::OkStatus() : scope->status();
  }
  const internal::WakeReason reason = internal::Park(waiter, deadline);
  if (reason == internal::WakeReason::kDeadline) return absl::OkStatus();
  return internal::ParkStatus(reason, "sleeping");
}

void SetFiberName(const char* name) {
  if (internal::FiberRecord* const fiber = internal::CurrentFiber()) fiber->name = name;
}

}  // namespace weft
