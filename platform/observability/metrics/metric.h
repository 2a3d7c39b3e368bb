// Metric: what is declared of one metric.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_METRIC_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_METRIC_H_

#include <array>
#include <cstddef>
#include <span>

#include "absl/strings/string_view.h"

namespace weft::observability {

enum class MetricType { kCounter, kGauge, kHistogram };

struct Metric {
  absl::string_view name;
  MetricType type;
  absl::string_view unit;   // "1" where the value is a plain number
  absl::string_view layer;  // whose working it describes
  absl::string_view help;
  std::array<absl::string_view, 3> labels = {};  // up to the first empty one
  std::span<const double> buckets = {};          // upper bounds in `unit`, of histograms

  constexpr size_t label_count() const {
    size_t count = 0;
    while (count < labels.size() && !labels[count].empty()) ++count;
    return count;
  }
};

absl::string_view MetricTypeName(MetricType type);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_METRIC_H_
