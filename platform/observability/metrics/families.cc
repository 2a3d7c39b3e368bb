#include "platform/observability/metrics/families.h"

#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_type.h"

namespace weft::observability {
namespace {

prometheus::ClientMetric& AddMetric(prometheus::MetricFamily& family, const Metric& metric,
                                    std::initializer_list<absl::string_view> labels) {
  Check(labels.size() == metric.label_count(), "give one value for each label of the metric");
  prometheus::ClientMetric& added = family.metric.emplace_back();
  size_t i = 0;
  for (absl::string_view value : labels) {
    added.label.push_back({std::string(metric.labels[i++]), std::string(value)});
  }
  return added;
}

}  // namespace

prometheus::MetricFamily MakeFamily(const Metric& metric) {
  prometheus::MetricFamily family;
  family.name = std::string(metric.name);
  family.help = std::string(metric.help);
  switch (metric.type) {
    case MetricType::kCounter:
      family.type = prometheus::MetricType::Counter;
      break;
    case MetricType::kGauge:
      family.type = prometheus::MetricType::Gauge;
      break;
    case MetricType::kHistogram:
      family.type = prometheus::MetricType::Histogram;
      break;
  }
  return family;
}

void AddSample(prometheus::MetricFamily& family, const Metric& metric,
               std::initializer_list<absl::string_view> labels, double value) {
  prometheus::ClientMetric& added = AddMetric(family, metric, labels);
  if (metric.type == MetricType::kCounter) {
    added.counter.value = value;
  } else {
    added.gauge.value = value;
  }
}

void AddValue(std::vector<prometheus::MetricFamily>& families, const Metric& metric, double value) {
  AddSample(families.emplace_back(MakeFamily(metric)), metric, {}, value);
}

void AddHistogram(prometheus::MetricFamily& family, const Metric& metric,
                  std::initializer_list<absl::string_view> labels, std::span<const uint64_t> counts,
                  double sum) {
  Check(counts.size() == metric.buckets.size() + 1, "give one count for each bucket, and one more");
  prometheus::ClientMetric::Histogram& histogram = AddMetric(family, metric, labels).histogram;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    cumulative += counts[i];
    const double bound =
        i < metric.buckets.size() ? metric.buckets[i] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({cumulative, bound});
  }
  histogram.sample_count = cumulative;
  histogram.sample_sum = sum;
}

}  // namespace weft::observability
