// Building blocks of collectors: from the catalogue's definitions to prometheus-cpp's values, at
// scrape time. Nothing here is on the path of a call.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_FAMILIES_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_FAMILIES_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/observability/metrics/catalogue.h"
#include "prometheus/metric_family.h"

namespace weft::observability {

// Name, help and type of `metric`, without samples.
prometheus::MetricFamily MakeFamily(const Metric& metric);

// Adds a counter's or gauge's sample. `labels` are the values, in the order of the metric's labels.
void AddSample(prometheus::MetricFamily& family, const Metric& metric,
               std::initializer_list<absl::string_view> labels, double value);

// Adds the family of a metric without labels, with its sample.
void AddValue(std::vector<prometheus::MetricFamily>& families, const Metric& metric, double value);

// Adds a histogram's sample. `counts` holds one count a bucket, not cumulative, and a last one for
// values above all bounds.
void AddHistogram(prometheus::MetricFamily& family, const Metric& metric,
                  std::initializer_list<absl::string_view> labels, std::span<const uint64_t> counts,
                  double sum);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_FAMILIES_H_
