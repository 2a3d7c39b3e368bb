// The metric of calls that block a fiber's thread, where they are looked for
// (platform/fiber/blocking_calls.h).
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_BLOCKING_CALL_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_BLOCKING_CALL_METRICS_H_

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/fiber/blocking_calls.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Thread-safe. Whoever looks for such calls pays more for them than a lock.
class BlockingCallMetrics final : public prometheus::Collectable {
 public:
  void Record(const BlockingCall& call);
  // Any number of shards is shown from the start, as zero, so that the first one is an increase.
  // Only in programs that look: elsewhere a zero would say that there are none.
  void AddShards(int shards);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  mutable absl::Mutex mutex_;
  std::map<int, std::array<uint64_t, 3>> by_shard_and_kind_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_BLOCKING_CALL_METRICS_H_
