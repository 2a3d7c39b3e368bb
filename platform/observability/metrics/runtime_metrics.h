// Metrics of a fiber runtime: the lag of each shard's loop, as the runtime reports it, and the
// counters that Runtime::Stats() gives.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_RUNTIME_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_RUNTIME_METRICS_H_

#include <array>
#include <atomic>
#include <vector>

#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/metrics/per_shard.h"
#include "platform/observability/metrics/shard_histogram.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Give it to RuntimeOptions::observer. For one runtime: of two that report to the same object some
// turns go uncounted.
class LoopLagMetrics final : public RuntimeObserver, public prometheus::Collectable {
 public:
  LoopLagMetrics() = default;
  ~LoopLagMetrics() override;

  // On the shard's thread: a bucket search and two relaxed stores.
  void OnLoop(int shard, const LoopSample& sample) noexcept override;

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static constexpr BucketFinder kFinder{kLoopLagBuckets, 1e9};
  using Histogram = ShardHistogram<kLoopLagBuckets.size(), kFinder>;

  Histogram* AddShard(int shard) noexcept;

  std::array<std::atomic<Histogram*>, kMaxMeasuredShards> shards_{};
};

// Reads Runtime::Stats() at scrape time, and a small file under /proc for each shard: not on a
// shard.
class RuntimeMetrics final : public prometheus::Collectable {
 public:
  // `runtime` outlives this.
  explicit RuntimeMetrics(const Runtime& runtime) : runtime_(runtime) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Runtime& runtime_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_RUNTIME_METRICS_H_
