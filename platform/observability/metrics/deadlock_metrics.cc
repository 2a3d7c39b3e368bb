#include "platform/observability/metrics/deadlock_metrics.h"

#include <string>
#include <utility>

#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kDeadlocks = CataloguedMetric("weft_deadlocks_total");

}  // namespace

void DeadlockMetrics::Record(int shard) {
  absl::MutexLock lock(&mutex_);
  ++by_shard_[shard];
}

void DeadlockMetrics::AddShards(int shards) {
  absl::MutexLock lock(&mutex_);
  for (int shard = 0; shard < shards; ++shard) by_shard_.try_emplace(shard);
}

std::vector<prometheus::MetricFamily> DeadlockMetrics::Collect() const {
  prometheus::MetricFamily deadlocks = MakeFamily(kDeadlocks);
  absl::MutexLock lock(&mutex_);
  for (const auto& [shard, count] : by_shard_) {
    AddSample(deadlocks, kDeadlocks, {std::to_string(shard)}, static_cast<double>(count));
  }
  return {std::move(deadlocks)};
}

}  // namespace weft::observability
