// Readings: one look at the process' metrics, for pages that show some of them as numbers. The same
// data as /metrics, so that pages and dashboards agree.
#ifndef WEFT_PLATFORM_APP_CONSOLE_READINGS_H_
#define WEFT_PLATFORM_APP_CONSOLE_READINGS_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/metric_family.h"

namespace weft::app {

// A histogram, perhaps several added up.
struct Distribution {
  std::vector<double> bounds;  // upper ones, ascending, without the last, which is infinite
  std::vector<double> counts;  // of values up to each bound, and of all: one more than bounds

  double total() const { return counts.empty() ? 0 : counts.back(); }
  // Where share `q` of the values lies below, by linear interpolation within a bucket as Prometheus
  // does it; the last bound for what is above it. 0 without values.
  double Quantile(double q) const;
  void Add(const prometheus::ClientMetric::Histogram& histogram);
};

class Readings {
 public:
  // Value by label of the samples wanted.
  using Labels = std::map<std::string, std::string>;

  explicit Readings(std::vector<prometheus::MetricFamily> families);

  // Of a counter or a gauge: the sum of its samples that have all of `labels`. 0 where there are
  // none.
  double Sum(absl::string_view metric, const Labels& labels = {}) const;
  // Its values of `label`, and the sum of each.
  std::map<std::string, double> SumsBy(absl::string_view metric, const std::string& label) const;
  // Histograms likewise.
  Distribution Merged(absl::string_view metric, const Labels& labels = {}) const;
  // The values that `label` has in the metric.
  std::set<std::string> Values(absl::string_view metric, const std::string& label) const;

 private:
  template <typename F>
  void ForEachSample(absl::string_view metric, const Labels& labels, F function) const;

  std::map<std::string, prometheus::MetricFamily, std::less<>> families_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_READINGS_H_
