#include "platform/fiber/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/shard.h"

namespace weft {

using internal::SpinLock;
using internal::WakeReason;

namespace {

// What rounding may take from a sum of tokens, and, relative to it, from a time. The debt that it
// lets somebody in with is kept, so that the rate stays right.
constexpr double kTokenRounding = 1e-6;
constexpr double kTimeRounding = 1e-12;

// A wake may be that late, and more on a busy shard, through no fault of who waits: the tokens of
// that time come on top of a full bucket. Without this a burst of 1 at 1,000 a second would give
// half of it where the runtime polls gRPC, whose queue wakes up to 1 ms late.
constexpr double kLateWakeNanos = 2e6;

const Clock& CallersClock() {
  internal::Shard* const shard = internal::Shard::Current();
  return shard == nullptr ? Clock::Real() : shard->clock();
}

absl::Status Late(WakeReason reason) {
  return internal::ParkStatus(reason, "waiting for a rate limiter");
}

absl::Status TooLate(double n, int64_t ready_nanos, int64_t deadline_nanos, int64_t now_nanos) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "the rate limiter will have ", n, " tokens in ",
      absl::FormatDuration(absl::Nanoseconds(ready_nanos - now_nanos)), ", but the deadline is in ",
      absl::FormatDuration(absl::Nanoseconds(deadline_nanos - now_nanos)), ": retry later"));
}

}  // namespace

// One who waits in the line, behind the head. On its fiber's stack.
struct RateLimiter::Request : internal::Waiter {
  Request(const internal::WaitInfo& wait_info, double tokens) : Waiter(wait_info), n(tokens) {}
  const double n;
  bool served = false;  // when woken: has its tokens; else it is the head now
};

RateLimiter::RateLimiter(const RateLimiterOptions& options)
    : rate_per_nano_(options.rate_per_second * 1e-9),
      burst_(static_cast<double>(options.burst)),
      clock_(options.clock),
      tokens_(burst_) {
  Check(options.rate_per_second > 0 && std::isfinite(options.rate_per_second),
        "a RateLimiter's rate is positive and finite");
  Check(options.burst >= 1, "a RateLimiter's burst is at least one token");
}

RateLimiter::~RateLimiter() {
  std::lock_guard<SpinLock> hold(lock_);
  Check(!has_head_, "a RateLimiter is destroyed while fibers wait for it");
}

absl::Status RateLimiter::Acquire(size_t n, absl::Time deadline) {
  Request self({.kind = "rate limiter", .object = this}, static_cast<double>(n));
  if (self.n > burst_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a rate limiter with a burst of ", burst_, " tokens was asked for ", n,
                     ", which it will never have: ask for fewer, or raise its burst"));
  }
  return TryAcquire(n) ? absl::OkStatus() : AcquireSlow(self, internal::ToDeadlineNanos(deadline));
}

absl::Status RateLimiter::AcquireSlow(Request& self, int64_t deadline_nanos) {
  const CancelScope* const scope = CancelScope::Current();
  if (scope != nullptr && scope->cancelled()) return scope->status();
  const int64_t scope_deadline_nanos =
      scope == nullptr ? kNeverNanos : internal::ToDeadlineNanos(scope->deadline());
  const int64_t first_deadline_nanos = std::min(deadline_nanos, scope_deadline_nanos);
  int64_t now_nanos = 0;
  int64_t ready_nanos = 0;
  bool in_time = false;
  bool head = false;
  {
    std::lock_guard<SpinLock> hold(lock_);
    Check(clock_ == &self.fiber->shard->clock(),
          "a RateLimiter is used on two clocks: give it the runtime's in its options");
    now_nanos = Refill();
    ready_nanos = ReadyNanos(awaited_ + self.n);
    // When both come in the same turn the scope wins the park.
    in_time = ready_nanos <= deadline_nanos &&
              (ready_nanos < scope_deadline_nanos || scope_deadline_nanos == kNeverNanos);
    if (in_time) {
      awaited_ += self.n;
      head = !has_head_;
      has_head_ = true;
      if (!head) line_.Add(self);
    }
  }
  if (!in_time) {
    if (first_deadline_nanos <= now_nanos) return Late(WakeReason::kDeadline);
    return TooLate(self.n, ready_nanos, first_deadline_nanos, now_nanos);
  }
  if (!head) {
    const WakeReason reason = internal::Park(self, deadline_nanos);
    if (reason != WakeReason::kNotified) {
      std::lock_guard<SpinLock> hold(lock_);
      line_.Remove(self);
      awaited_ -= self.n;
      return Late(reason);
    }
    if (self.served) return absl::OkStatus();
  }
  return AwaitTokens(self.n, deadline_nanos);
}

// The head: waits until the bucket has filled up to `n`, and passes its place on.
absl::Status RateLimiter::AwaitTokens(double n, int64_t deadline_nanos) {
  WakeReason reason = WakeReason::kDeadline;
  bool taken = false;
  for (;;) {
    internal::Waiter waiter({.kind = "rate limiter", .object = this});
    int64_t ready_nanos = 0;
    {
      std::lock_guard<SpinLock> hold(lock_);
      const int64_t now_nanos = Refill();
      taken = reason == WakeReason::kDeadline && Take(n);
      if (taken || reason != WakeReason::kDeadline || deadline_nanos <= now_nanos) {
        awaited_ -= n;
        PassOn();
        break;
      }
      ready_nanos = ReadyNanos(n);
    }
    reason = internal::Park(waiter, std::min(ready_nanos, deadline_nanos));
  }
  return taken ? absl::OkStatus() : Late(reason);
}

bool RateLimiter::TryAcquire(size_t n) {
  std::lock_guard<SpinLock> hold(lock_);
  Refill();
  return n == 0 || (!has_head_ && Take(static_cast<double>(n)));
}

int64_t RateLimiter::Refill() {
  if (clock_ == nullptr) clock_ = &CallersClock();
  const int64_t now_nanos = clock_->MonotonicNanos();
  const auto passed_nanos = static_cast<double>(std::max<int64_t>(0, now_nanos - filled_nanos_));
  const double tokens_max = burst_ + (has_head_ ? rate_per_nano_ * kLateWakeNanos : 0);
  if (tokens_ < tokens_max) {
    tokens_ = std::min(tokens_ + passed_nanos * rate_per_nano_, tokens_max);
  }
  filled_nanos_ = now_nanos;
  return now_nanos;
}

bool RateLimiter::Take(double n) {
  if (tokens_ + kTokenRounding < n) return false;
  tokens_ -= n;
  return true;
}

// Just after Refill(): when there would be `n` tokens, had the bucket room for them.
int64_t RateLimiter::ReadyNanos(double n) const {
  const double wait_nanos = std::ceil((n - tokens_) / rate_per_nano_ * (1 - kTimeRounding));
  if (wait_nanos >= static_cast<double>(kNeverNanos - filled_nanos_)) return kNeverNanos;
  return filled_nanos_ + std::max<int64_t>(1, static_cast<int64_t>(wait_nanos));
}

// The caller is no longer the head: serves the line as far as the tokens go, and makes the next one
// the head.
void RateLimiter::PassOn() {
  while (auto* const request = static_cast<Request*>(line_.front())) {
    const double n = request->n;  // The request may be gone after its wake.
    const bool served = Take(n);
    line_.Remove(*request);
    request->served = served;
    const bool woken = internal::Wake(*request);
    if (woken && !served) return;
    if (woken) awaited_ -= n;
    if (served && !woken) tokens_ += n;  // It had given up before.
  }
  has_head_ = false;
}

}  // namespace weft
