#include "platform/observability/metrics/drain_metrics.h"

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kDrain = CataloguedMetric("weft_drain_seconds");
constexpr const Metric& kLimit = CataloguedMetric("weft_drain_limit_seconds");

}  // namespace

void DrainMetrics::Begin(absl::Duration limit) {
  limit_nanos_.store(absl::ToInt64Nanoseconds(limit));
  began_nanos_.store(clock_.MonotonicNanos());
}

std::vector<prometheus::MetricFamily> DrainMetrics::Collect() const {
  const int64_t began = began_nanos_.load();
  const int64_t passed = began == 0 ? 0 : clock_.MonotonicNanos() - began;
  std::vector<prometheus::MetricFamily> families;
  AddValue(families, kDrain, 1e-9 * static_cast<double>(passed));
  AddValue(families, kLimit, 1e-9 * static_cast<double>(limit_nanos_.load()));
  return families;
}

}  // namespace weft::observability
