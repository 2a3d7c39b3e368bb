#include "platform/app/console/readings.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace weft::app {
namespace {

using prometheus::ClientMetric;

const std::string* FindLabel(const ClientMetric& sample, const std::string& name) {
  for (const ClientMetric::Label& label : sample.label) {
    if (label.name == name) return &label.value;
  }
  return nullptr;
}

// Counters and gauges leave the other's value 0.
double Value(const ClientMetric& sample) { return sample.counter.value + sample.gauge.value; }

}  // namespace

void Distribution::Add(const ClientMetric::Histogram& histogram) {
  if (counts.empty()) {
    for (const ClientMetric::Bucket& bucket : histogram.bucket) {
      if (std::isfinite(bucket.upper_bound)) bounds.push_back(bucket.upper_bound);
    }
    counts.resize(bounds.size() + 1, 0);
  }
  for (size_t i = 0; i < bounds.size() && i < histogram.bucket.size(); ++i) {
    counts[i] += static_cast<double>(histogram.bucket[i].cumulative_count);
  }
  counts.back() += static_cast<double>(histogram.sample_count);
}

double Distribution::Quantile(double q) const {
  if (total() == 0) return 0;
  const double rank = q * total();
  const auto at = static_cast<size_t>(std::lower_bound(counts.begin(), counts.end() - 1, rank) -
                                      counts.begin());
  if (at == bounds.size()) return bounds.empty() ? 0 : bounds.back();
  const double below = at == 0 ? 0 : counts[at - 1];
  const double low = at == 0 ? 0 : bounds[at - 1];
  const double inside = counts[at] - below;
  return inside == 0 ? low : low + (bounds[at] - low) * (rank - below) / inside;
}

Readings::Readings(std::vector<prometheus::MetricFamily> families) {
  for (prometheus::MetricFamily& family : families) {
    std::string name = family.name;
    families_.emplace(std::move(name), std::move(family));
  }
}

template <typename F>
void Readings::ForEachSample(absl::string_view metric, const Labels& labels, F function) const {
  const auto found = families_.find(std::string(metric));
  if (found == families_.end()) return;
  for (const ClientMetric& sample : found->second.metric) {
    const bool has_all = std::all_of(labels.begin(), labels.end(), [&](const auto& wanted) {
      const std::string* const value = FindLabel(sample, wanted.first);
      return value != nullptr && *value == wanted.second;
    });
    if (has_all) function(sample);
  }
}

double Readings::Sum(absl::string_view metric, const Labels& labels) const {
  double sum = 0;
  ForEachSample(metric, labels, [&](const ClientMetric& sample) { sum += Value(sample); });
  return sum;
}

std::map<std::string, double> Readings::SumsBy(absl::string_view metric,
                                               const std::string& label) const {
  std::map<std::string, double> sums;
  ForEachSample(metric, {}, [&](const ClientMetric& sample) {
    if (const std::string* const value = FindLabel(sample, label)) sums[*value] += Value(sample);
  });
  return sums;
}

Distribution Readings::Merged(absl::string_view metric, const Labels& labels) const {
  Distribution merged;
  ForEachSample(metric, labels, [&](const ClientMetric& sample) { merged.Add(sample.histogram); });
  return merged;
}

std::set<std::string> Readings::Values(absl::string_view metric, const std::string& label) const {
  std::set<std::string> values;
  ForEachSample(metric, {}, [&](const ClientMetric& sample) {
    if (const std::string* const value = FindLabel(sample, label)) values.insert(*value);
  });
  return values;
}

}  // namespace weft::app
