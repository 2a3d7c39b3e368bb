// For tests of the pages: metrics as a registry would give them.
#ifndef WEFT_PLATFORM_APP_CONSOLE_MADE_UP_METRICS_H_
#define WEFT_PLATFORM_APP_CONSOLE_MADE_UP_METRICS_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace weft::app {

inline prometheus::MetricFamily Family(const std::string& name,
                                       std::vector<prometheus::ClientMetric> samples) {
  prometheus::MetricFamily family;
  family.name = name;
  family.metric = std::move(samples);
  return family;
}

inline prometheus::ClientMetric Value(std::vector<prometheus::ClientMetric::Label> labels,
                                      double value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  return metric;
}

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_MADE_UP_METRICS_H_
