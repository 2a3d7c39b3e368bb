// Metrics of one BlockingPool, labelled with its name.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_POOL_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_POOL_METRICS_H_

#include <vector>

#include "platform/fiber/blocking_pool.h"
#include "prometheus/collectable.h"

namespace weft::observability {

class BlockingPoolMetrics final : public prometheus::Collectable {
 public:
  // `pool` outlives this. Its name should be unique in the process.
  explicit BlockingPoolMetrics(const BlockingPool& pool) : pool_(pool) {}
  // Takes the pool's mutex briefly; any thread but not a fiber's.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const BlockingPool& pool_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_POOL_METRICS_H_
