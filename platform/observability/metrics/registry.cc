#include "platform/observability/metrics/registry.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "prometheus/text_serializer.h"

namespace weft::observability {

MetricsRegistry::Registration::Registration(Registration&& other) noexcept
    : state_(std::move(other.state_)), collector_(std::exchange(other.collector_, nullptr)) {}

MetricsRegistry::Registration& MetricsRegistry::Registration::operator=(
    Registration&& other) noexcept {
  if (this != &other) {
    Reset();
    state_ = std::move(other.state_);
    collector_ = std::exchange(other.collector_, nullptr);
  }
  return *this;
}

void MetricsRegistry::Registration::Reset() {
  if (collector_ == nullptr) return;
  absl::MutexLock lock(&state_->mutex);
  auto& collectors = state_->collectors;
  const auto found = std::find(collectors.begin(), collectors.end(), collector_);
  if (found != collectors.end()) collectors.erase(found);
  collector_ = nullptr;
}

MetricsRegistry::Registration MetricsRegistry::Add(const prometheus::Collectable& collector) {
  absl::MutexLock lock(&state_->mutex);
  state_->collectors.push_back(&collector);
  return Registration(state_, &collector);
}

std::vector<prometheus::MetricFamily> MetricsRegistry::Collect() const {
  std::map<std::string, prometheus::MetricFamily> by_name;
  {
    absl::MutexLock lock(&state_->mutex);
    for (const prometheus::Collectable* collector : state_->collectors) {
      for (prometheus::MetricFamily& family : collector->Collect()) {
        if (family.metric.empty()) continue;
        const auto [found, added] = by_name.try_emplace(family.name);
        if (added) {
          found->second = std::move(family);
        } else {
          std::move(family.metric.begin(), family.metric.end(),
                    std::back_inserter(found->second.metric));
        }
      }
    }
  }
  std::vector<prometheus::MetricFamily> families;
  families.reserve(by_name.size());
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
  return families;
}

std::string RenderMetrics(const prometheus::Collectable& collectable) {
  return prometheus::TextSerializer().Serialize(collectable.Collect());
}

}  // namespace weft::observability
