// The metric of deadlocks: rings of fibers that wait for each other's locks, as a runtime tells of
// them when they close.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_DEADLOCK_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_DEADLOCK_METRICS_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Thread-safe. Deadlocks are rare, so that a lock does no harm.
class DeadlockMetrics final : public prometheus::Collectable {
 public:
  void Record(int shard);
  // Any number of shards is shown from the start, as zero, so that the first one is an increase.
  void AddShards(int shards);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  mutable absl::Mutex mutex_;
  std::map<int, uint64_t> by_shard_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_DEADLOCK_METRICS_H_
