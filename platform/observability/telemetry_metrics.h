// Metrics of telemetry itself: what it dropped and what it complained about.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_METRICS_H_

#include <vector>

#include "prometheus/collectable.h"

namespace weft::observability {

class TelemetryMetrics final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_METRICS_H_
