#include "platform/observability/telemetry_metrics.h"

#include <utility>

#include "platform/base/clock.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/logging/log_levels.h"
#include "platform/observability/metrics/families.h"
#include "platform/observability/tracing/otel_log.h"

namespace weft::observability {
namespace {

constexpr const Metric& kLogDropped = CataloguedMetric("weft_log_dropped_total");
constexpr const Metric& kRepeats = CataloguedMetric("weft_log_repeats_left_out_total");
constexpr const Metric& kErrors = CataloguedMetric("weft_telemetry_errors_total");
constexpr const Metric& kSpans = CataloguedMetric("weft_spans_total");
constexpr const Metric& kSpansWaiting = CataloguedMetric("weft_spans_waiting");

}  // namespace

std::vector<prometheus::MetricFamily> TelemetryMetrics::Collect() const {
  internal::RestoreLogLevels(Clock::Real().Now());
  std::vector<prometheus::MetricFamily> families;
  AddValue(families, kLogDropped, static_cast<double>(LogDroppedTotal()));
  AddValue(families, kRepeats, static_cast<double>(LogRepeatsLeftOutTotal()));
  AddValue(families, kErrors, static_cast<double>(OtelErrorsTotal()));
  const SpanStats stats = tracing_ == nullptr ? SpanStats() : tracing_->spans();
  prometheus::MetricFamily& spans = families.emplace_back(MakeFamily(kSpans));
  AddSample(spans, kSpans, {"exported"}, static_cast<double>(stats.exported_total));
  AddSample(spans, kSpans, {"failed"}, static_cast<double>(stats.failed_total));
  AddSample(spans, kSpans, {"dropped"}, static_cast<double>(stats.dropped_total));
  AddValue(families, kSpansWaiting, static_cast<double>(stats.waiting));
  return families;
}

}  // namespace weft::observability
