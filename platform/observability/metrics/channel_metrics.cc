#include "platform/observability/metrics/channel_metrics.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kTokens = CataloguedMetric("weft_client_retry_budget_ratio");
constexpr const Metric& kExhausted = CataloguedMetric("weft_client_retry_budget_exhausted_total");

struct OfTarget {
  double budget = 1;
  uint64_t exhausted = 0;
};

}  // namespace

void ChannelMetrics::Watch(const std::shared_ptr<const rpc::Channel>& channel) {
  absl::MutexLock hold(&mutex_);
  std::erase_if(channels_, [](const auto& watched) { return watched.expired(); });
  channels_.push_back(channel);
}

std::vector<prometheus::MetricFamily> ChannelMetrics::Collect() const {
  std::map<std::string, OfTarget> targets;
  {
    absl::MutexLock hold(&mutex_);
    for (const std::weak_ptr<const rpc::Channel>& watched : channels_) {
      const std::shared_ptr<const rpc::Channel> channel = watched.lock();
      if (channel == nullptr) continue;
      const rpc::RetryBudgetStats stats = channel->RetryBudget();
      OfTarget& target = targets[channel->target()];
      target.budget = std::min(target.budget, stats.left);
      target.exhausted += stats.exhausted_total;
    }
  }
  prometheus::MetricFamily tokens = MakeFamily(kTokens);
  prometheus::MetricFamily exhausted = MakeFamily(kExhausted);
  for (const auto& [name, target] : targets) {
    AddSample(tokens, kTokens, {name}, target.budget);
    AddSample(exhausted, kExhausted, {name}, static_cast<double>(target.exhausted));
  }
  return {std::move(tokens), std::move(exhausted)};
}

}  // namespace weft::observability
