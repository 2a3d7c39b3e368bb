#include "platform/observability/metrics/drain_metrics.h"

#include <utility>

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
  prometheus::MetricFamily drain = MakeFamily(kDrain);
  AddSample(drain, kDrain, {}, 1e-9 * static_cast<double>(passed));
  prometheus::MetricFamily limit = MakeFamily(kLimit);
  AddSample(limit, kLimit, {}, 1e-9 * static_cast<double>(limit_nanos_.load()));
  return {std::move(drain), std::move(limit)};
}

}  // namespace weft::observability
