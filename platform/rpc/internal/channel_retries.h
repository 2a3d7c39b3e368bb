// ChannelRetries: whether and when a channel sends a call again. The rules stand in
// rpc/client/retry.h; here is what they need to be kept: budget, jitter and the decision, without
// gRPC and without a clock.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_CHANNEL_RETRIES_H_
#define WEFT_PLATFORM_RPC_INTERNAL_CHANNEL_RETRIES_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/rpc/client/retry.h"

namespace weft::rpc::internal {

inline constexpr char kPreviousAttemptsKey[] = "grpc-previous-rpc-attempts";

// A6's token bucket, in thousandths of a token as gRPC's own. Thread-safe. The order in which
// shards see it does not matter.
class RetryBudget {
 public:
  RetryBudget(double tokens, double ratio);

  // After a success. While the bucket is full, which it is as long as all goes well, only a read.
  void Earn() {
    if (milli_tokens_.load(std::memory_order_relaxed) < max_) Add(earned_);
  }
  // After a failure; whether there is enough left for another attempt.
  bool Spend() { return Add(-1000) > max_ / 2; }
  // For a hedge: whether there is enough left for one; then it is taken.
  bool Take();
  // The share that is left.
  double Left() const {
    return static_cast<double>(milli_tokens_.load(std::memory_order_relaxed)) /
           static_cast<double>(max_);
  }

 private:
  int64_t Add(int64_t change);

  const int64_t max_;
  const int64_t earned_;
  std::atomic<int64_t> milli_tokens_;
};

// An attempt that failed.
struct FailedAttempt {
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  int number = 1;
  // What the server sent as kRetryPushbackKey.
  std::optional<absl::string_view> pushback = std::nullopt;
  // Its method and its call let it be sent again whatever the server did with it…
  bool repeatable = true;
  // … or because no server has seen it.
  bool never_sent = false;
};

// Thread-safe.
class ChannelRetries {
 public:
  // Requires: Validate(policy). `seed`: of the jitter.
  ChannelRetries(RetryPolicy policy, uint64_t seed);

  const RetryPolicy& policy() const { return policy_; }
  void Succeeded() { budget_.Earn(); }
  // The wait before the next attempt; nullopt: there is to be none. `backoffs` belongs to the call
  // and counts those since the start or the last pushback.
  std::optional<absl::Duration> Failed(const FailedAttempt& attempt, int* backoffs);
  // Whether what failed like this may succeed another time. `pushed_back`: the server said when.
  bool IsRetryable(absl::StatusCode code, bool pushed_back = false) const;
  // Whether a hedge may be made.
  bool TakeHedge();
  RetryBudgetStats BudgetStats() const;

 private:
  double NextRandom();

  const RetryPolicy policy_;
  RetryBudget budget_;
  std::atomic<uint64_t> exhausted_total_{0};
  std::atomic<uint64_t> random_state_;
};

// The wait that the server asked for; nullopt: it asked not to come again.
std::optional<absl::Duration> ParsePushback(absl::string_view value);

// Full jitter: `random` in [0, 1) of the bound that the policy sets after so many backoffs.
absl::Duration JitteredBackoff(const RetryPolicy& policy, int backoffs, double random);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_CHANNEL_RETRIES_H_
