// Metrics of the end of the process: how long it drains already, and how long it may.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_DRAIN_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_DRAIN_METRICS_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Thread-safe.
class DrainMetrics final : public prometheus::Collectable {
 public:
  explicit DrainMetrics(const Clock& clock = Clock::Real()) : clock_(clock) {}

  // The process was told to end, and should have within `limit`. Once.
  void Begin(absl::Duration limit);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Clock& clock_;
  std::atomic<int64_t> limit_nanos_{0};
  std::atomic<int64_t> began_nanos_{0};  // 0: not yet
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_DRAIN_METRICS_H_
