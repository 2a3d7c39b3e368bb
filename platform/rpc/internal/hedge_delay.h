// HedgeDelays: how long the first attempts at a channel's methods usually take, so that a hedge
// comes when one takes longer (rpc/client/retry.h). Without gRPC and without a clock.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_HEDGE_DELAY_H_
#define WEFT_PLATFORM_RPC_INTERNAL_HEDGE_DELAY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/rpc/method.h"

namespace weft::rpc::internal {

// The 95th percentile of what it is told, followed by stochastic approximation (Robbins, Monro: "A
// Stochastic Approximation Method", 1951) of its logarithm: each value moves the estimate up by
// kStep * 0.95 if it is greater, else down by kStep * 0.05, which balance where one of 20 is
// greater. Thread-safe: a value that is lost between two shards does no harm.
class LatencyPercentile {
 public:
  static constexpr int kFirstValues = 20;  // until an estimate counts
  static constexpr double kStep = 0.1;

  void Add(absl::Duration latency);
  std::optional<absl::Duration> Get() const;

 private:
  std::atomic<double> seconds_{0};
  std::atomic<int> values_{0};
};

// Thread-safe.
class HedgeDelays {
 public:
  // The reference lives as long as this.
  LatencyPercentile& Of(const MethodDescriptor& method);

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<const MethodDescriptor*, std::unique_ptr<LatencyPercentile>> by_method_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_HEDGE_DELAY_H_
