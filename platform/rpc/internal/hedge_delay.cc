#include "platform/rpc/internal/hedge_delay.h"

#include <algorithm>

namespace weft::rpc::internal {

void LatencyPercentile::Add(absl::Duration latency) {
  constexpr double kPart = 0.95;
  constexpr double kLeastSeconds = 1e-6;  // From nothing no factor leads away.
  const double value = std::max(absl::ToDoubleSeconds(latency), kLeastSeconds);
  const int values = values_.load(std::memory_order_relaxed);
  if (values < kFirstValues) values_.store(values + 1, std::memory_order_relaxed);
  const double before = seconds_.load(std::memory_order_relaxed);
  double after = value;
  if (values > 0) {
    after = before * (value > before ? 1 + kStep * kPart : 1 - kStep * (1 - kPart));
  }
  seconds_.store(after, std::memory_order_relaxed);
}

std::optional<absl::Duration> LatencyPercentile::Get() const {
  if (values_.load(std::memory_order_relaxed) < kFirstValues) return std::nullopt;
  return absl::Seconds(seconds_.load(std::memory_order_relaxed));
}

LatencyPercentile& HedgeDelays::Of(const MethodDescriptor& method) {
  absl::MutexLock hold(&mutex_);
  std::unique_ptr<LatencyPercentile>& percentile = by_method_[&method];
  if (percentile == nullptr) percentile = std::make_unique<LatencyPercentile>();
  return *percentile;
}

}  // namespace weft::rpc::internal
