#include "platform/rpc/internal/channel_retries.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/base/split_mix.h"

namespace weft::rpc {

absl::Status Validate(const RetryPolicy& policy) {
  const auto refuse = [](absl::string_view field, absl::string_view rule) {
    return absl::InvalidArgumentError(absl::StrCat("retry.", field, " must be ", rule));
  };
  if (policy.max_attempts < 1 || policy.max_attempts > kMaxAttempts) {
    return refuse("max_attempts", absl::StrCat("from 1 to ", kMaxAttempts));
  }
  if (policy.initial_backoff < absl::ZeroDuration()) return refuse("initial_backoff", "0 or more");
  if (policy.max_backoff < policy.initial_backoff) {
    return refuse("max_backoff", "initial_backoff or more");
  }
  if (policy.max_backoff == absl::InfiniteDuration()) return refuse("max_backoff", "finite");
  if (!(policy.backoff_multiplier >= 1) || !std::isfinite(policy.backoff_multiplier)) {
    return refuse("backoff_multiplier", "a number from 1 up");
  }
  if (policy.attempt_timeout <= absl::ZeroDuration()) return refuse("attempt_timeout", "above 0");
  if (policy.hedge_delay < absl::ZeroDuration()) return refuse("hedge_delay", "0 or more");
  // A6: up to 1000 tokens, and a ratio of at most three decimal places.
  if (!(policy.budget_tokens > 0 && policy.budget_tokens <= 1000)) {
    return refuse("budget_tokens", "above 0, up to 1000");
  }
  if (!(policy.budget_ratio >= 0.001 && policy.budget_ratio <= 1)) {
    return refuse("budget_ratio", "from 0.001 to 1");
  }
  for (const absl::StatusCode code : policy.codes) {
    if (code == absl::StatusCode::kOk) return refuse("codes", "without OK");
  }
  return absl::OkStatus();
}

namespace internal {
namespace {

int64_t Milli(double tokens) { return std::llround(tokens * 1000); }

}  // namespace

RetryBudget::RetryBudget(double tokens, double ratio)
    : max_(Milli(tokens)), earned_(Milli(ratio)), milli_tokens_(max_) {}

int64_t RetryBudget::Add(int64_t change) {
  int64_t before = milli_tokens_.load(std::memory_order_relaxed);
  int64_t after = 0;
  do {
    after = std::clamp<int64_t>(before + change, 0, max_);
  } while (!milli_tokens_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return after;
}

bool RetryBudget::Take() {
  int64_t before = milli_tokens_.load(std::memory_order_relaxed);
  do {
    if (before - 1000 <= max_ / 2) return false;
  } while (!milli_tokens_.compare_exchange_weak(before, before - 1000, std::memory_order_relaxed));
  return true;
}

std::optional<absl::Duration> ParsePushback(absl::string_view value) {
  // A6: anything but a whole number means the same as a negative one. SimpleAtoi() alone would take
  // signs and blanks.
  int64_t millis = 0;
  if (!std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) return std::nullopt;
  if (!absl::SimpleAtoi(value, &millis)) return std::nullopt;
  return absl::Milliseconds(millis);
}

absl::Duration JitteredBackoff(const RetryPolicy& policy, int backoffs, double random) {
  const double bound =
      absl::ToDoubleSeconds(policy.initial_backoff) * std::pow(policy.backoff_multiplier, backoffs);
  return absl::Seconds(random * std::min(bound, absl::ToDoubleSeconds(policy.max_backoff)));
}

ChannelRetries::ChannelRetries(RetryPolicy policy, uint64_t seed)
    : policy_(std::move(policy)),
      budget_(policy_.budget_tokens, policy_.budget_ratio),
      random_state_(seed) {}

bool ChannelRetries::IsRetryable(absl::StatusCode code, bool pushed_back) const {
  if (code == absl::StatusCode::kResourceExhausted && pushed_back) return true;
  if (code == absl::StatusCode::kDeadlineExceeded &&
      policy_.attempt_timeout != absl::InfiniteDuration()) {
    return true;
  }
  return std::find(policy_.codes.begin(), policy_.codes.end(), code) != policy_.codes.end();
}

std::optional<absl::Duration> ChannelRetries::Failed(const FailedAttempt& attempt, int* backoffs) {
  std::optional<absl::Duration> pushback;
  if (attempt.pushback.has_value()) pushback = ParsePushback(*attempt.pushback);
  const bool told_not_to = attempt.pushback.has_value() && !pushback.has_value();
  if (!told_not_to && !IsRetryable(attempt.code, pushback.has_value())) return std::nullopt;
  const bool affordable = budget_.Spend();
  const bool allowed =
      attempt.repeatable || (attempt.never_sent && attempt.code == absl::StatusCode::kUnavailable);
  if (told_not_to || !allowed || attempt.number >= policy_.max_attempts) return std::nullopt;
  if (!affordable) {
    exhausted_total_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  if (pushback.has_value()) {
    *backoffs = 0;
    return pushback;
  }
  return JitteredBackoff(policy_, (*backoffs)++, NextRandom());
}

bool ChannelRetries::TakeHedge() {
  if (budget_.Take()) return true;
  exhausted_total_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

RetryBudgetStats ChannelRetries::BudgetStats() const {
  return {.left = budget_.Left(),
          .exhausted_total = exhausted_total_.load(std::memory_order_relaxed)};
}

// Shards share the state without a lock.
double ChannelRetries::NextRandom() {
  const uint64_t state =
      random_state_.fetch_add(kSplitMixGamma, std::memory_order_relaxed) + kSplitMixGamma;
  return static_cast<double>(SplitMix(state) >> 11) * 0x1p-53;
}

}  // namespace internal
}  // namespace weft::rpc
