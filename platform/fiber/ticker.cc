#include "platform/fiber/ticker.h"

#include <algorithm>

#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/waiter.h"

namespace weft {

using internal::WakeReason;

namespace {

const Clock& ShardClock() {
  internal::Shard* const shard = internal::Shard::Current();
  Check(shard != nullptr && shard->current_fiber() != nullptr, "a Ticker is for fibers");
  return shard->clock();
}

// Both are not negative; a sum out of range is "never".
int64_t AddSaturating(int64_t a, int64_t b) { return a > kNeverNanos - b ? kNeverNanos : a + b; }

}  // namespace

Ticker::Ticker(const TickerOptions& options)
    : period_nanos_(std::max<int64_t>(1, absl::ToInt64Nanoseconds(options.period))),
      missed_(options.missed) {
  Check(options.period > absl::ZeroDuration(), "a Ticker's period is positive");
  Reset();
}

Ticker::~Ticker() { Check(!waiting_, "a Ticker is destroyed while a fiber waits for it"); }

void Ticker::Reset() { next_nanos_ = AddSaturating(ShardClock().MonotonicNanos(), period_nanos_); }

absl::Time Ticker::next() const { return ShardClock().ToTime(next_nanos_); }

absl::Status Ticker::Wait(absl::Time deadline) {
  Check(!waiting_, "two fibers wait for one Ticker");
  const Clock& clock = ShardClock();
  if (next_nanos_ <= clock.MonotonicNanos()) {
    const CancelScope* const scope = CancelScope::Current();
    if (scope != nullptr && scope->cancelled()) return scope->status();
    TakeTick(clock.MonotonicNanos());
    return absl::OkStatus();
  }
  const int64_t deadline_nanos = internal::ToDeadlineNanos(deadline);
  internal::Waiter waiter({.kind = "ticker", .object = this});
  waiting_ = true;
  const WakeReason reason = internal::Park(waiter, std::min(next_nanos_, deadline_nanos));
  waiting_ = false;
  const int64_t now_nanos = clock.MonotonicNanos();
  if (reason == WakeReason::kDeadline && next_nanos_ <= deadline_nanos) {
    TakeTick(now_nanos);
    return absl::OkStatus();
  }
  return internal::ParkStatus(reason, "waiting for a ticker");
}

void Ticker::TakeTick(int64_t now_nanos) {
  const int64_t late_nanos = now_nanos - next_nanos_;
  switch (missed_) {
    case MissedTicks::kSkip:
      next_nanos_ += late_nanos / period_nanos_ * period_nanos_;
      break;
    case MissedTicks::kBurst:
      break;
    case MissedTicks::kDelay:
      next_nanos_ = now_nanos;
      break;
  }
  next_nanos_ = AddSaturating(next_nanos_, period_nanos_);
}

}  // namespace weft
