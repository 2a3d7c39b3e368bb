// Metrics of what bounds the process from outside: CPU quota, throttling and memory of its cgroups
// (base/cgroup.h).
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_CGROUP_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_CGROUP_METRICS_H_

#include <utility>
#include <vector>

#include "platform/base/cgroup.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Collect() reads some small files: any thread but a shard's. Where nothing limits the process, its
// limits are those of the machine; where the cgroup does not tell its memory (the root of v2), the
// process' resident memory stands for it.
class CgroupMetrics final : public prometheus::Collectable {
 public:
  explicit CgroupMetrics(CgroupPaths paths = {}) : paths_(std::move(paths)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const CgroupPaths paths_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_CGROUP_METRICS_H_
