// Metrics of stalls, as a runtime's watchdog tells of their ends.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_STALL_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_STALL_METRICS_H_

#include <array>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/fiber/stall_report.h"
#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/metrics/shard_histogram.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Thread-safe. Stalls are rare and told by watchdogs, so that a lock does no harm.
class StallMetrics final : public prometheus::Collectable {
 public:
  void Record(const StallEnd& end);
  // Any number of shards is shown from the start, as zero, so that the first stall is an increase.
  void AddShards(int shards);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static constexpr BucketFinder kFinder{kStallBuckets, 1e9};
  struct Shard {
    std::array<uint64_t, 3> by_cause{};
    ShardHistogram<kStallBuckets.size(), kFinder> seconds;
  };

  mutable absl::Mutex mutex_;
  std::map<int, Shard> shards_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_STALL_METRICS_H_
