// Metrics of telemetry itself: what it dropped and what it complained about.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_METRICS_H_

#include <vector>

#include "platform/observability/tracing/tracing.h"
#include "prometheus/collectable.h"

namespace weft::observability {

class TelemetryMetrics final : public prometheus::Collectable {
 public:
  // `tracing` outlives this; null without tracing.
  explicit TelemetryMetrics(const Tracing* tracing) : tracing_(tracing) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Tracing* const tracing_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_METRICS_H_
