#include "platform/rpc/admission/token_buckets.h"

#include <algorithm>
#include <cmath>

namespace weft::rpc {

namespace {

CellRate RateOf(double per_second, double burst) {
  const int64_t token_nanos = std::max<int64_t>(std::llround(1e9 / per_second), 1);
  return {token_nanos, std::llround(static_cast<double>(token_nanos) * burst)};
}

}  // namespace

TokenBuckets::TokenBuckets(double per_second, double burst, size_t max_keys)
    : rate_(RateOf(per_second, burst)), max_keys_(max_keys) {}

int64_t TokenBuckets::Take(absl::string_view key, int64_t now_nanos) {
  auto bucket = full_at_nanos_.find(key);
  if (bucket == full_at_nanos_.end()) {
    if (full_at_nanos_.size() >= max_keys_) DropFull(now_nanos);
    if (full_at_nanos_.size() >= max_keys_) return 0;
    bucket = full_at_nanos_.emplace(key, now_nanos).first;
  }
  const int64_t full_at_nanos = rate_.Take(bucket->second, now_nanos);
  const int64_t wait_nanos = rate_.Wait(full_at_nanos, now_nanos);
  if (wait_nanos > 0) return wait_nanos;
  bucket->second = full_at_nanos;
  return 0;
}

// Looks at all of them, so not for each key that comes while none is full.
void TokenBuckets::DropFull(int64_t now_nanos) {
  if (now_nanos < next_drop_nanos_) return;
  next_drop_nanos_ = now_nanos + std::min<int64_t>(rate_.burst_nanos, 1'000'000'000);
  absl::erase_if(full_at_nanos_,
                 [now_nanos](const auto& bucket) { return bucket.second <= now_nanos; });
}

}  // namespace weft::rpc
