#include "platform/observability/metrics/admission_metrics.h"

#include <array>
#include <string>
#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kLimit = CataloguedMetric("weft_admission_limit");
constexpr const Metric& kInFlight = CataloguedMetric("weft_admission_in_flight");
constexpr const Metric& kQueued = CataloguedMetric("weft_admission_queued");
constexpr const Metric& kOverloaded = CataloguedMetric("weft_admission_overloaded");
constexpr const Metric& kShed = CataloguedMetric("weft_admission_shed_total");
constexpr const Metric& kRateLimited = CataloguedMetric("weft_client_rate_limited_total");
constexpr const Metric& kRateLimitClients = CataloguedMetric("weft_client_rate_limit_clients");

constexpr std::array<const char*, rpc::kCriticalities> kCriticalityLabels = {
    "sheddable", "sheddable_plus", "critical", "critical_plus"};
constexpr std::array<const char*, rpc::kShedReasons> kReasonLabels = {"delay", "limit", "deadline"};

}  // namespace

std::vector<prometheus::MetricFamily> AdmissionMetrics::Collect() const {
  prometheus::MetricFamily limit = MakeFamily(kLimit);
  prometheus::MetricFamily in_flight = MakeFamily(kInFlight);
  prometheus::MetricFamily queued = MakeFamily(kQueued);
  prometheus::MetricFamily overloaded = MakeFamily(kOverloaded);
  prometheus::MetricFamily shed = MakeFamily(kShed);
  std::array<std::array<uint64_t, rpc::kShedReasons>, rpc::kCriticalities> shed_total{};
  int index = 0;
  for (const rpc::AdmissionStats& stats : admission_.Stats()) {
    const std::string shard = std::to_string(index++);
    AddSample(limit, kLimit, {shard}, stats.limit);
    AddSample(in_flight, kInFlight, {shard}, stats.in_flight);
    AddSample(queued, kQueued, {shard}, stats.queued);
    AddSample(overloaded, kOverloaded, {shard}, stats.overloaded ? 1 : 0);
    for (size_t i = 0; i < rpc::kCriticalities; ++i) {
      for (size_t j = 0; j < rpc::kShedReasons; ++j) shed_total[i][j] += stats.shed_total[i][j];
    }
  }
  for (size_t i = 0; i < rpc::kCriticalities; ++i) {
    for (size_t j = 0; j < rpc::kShedReasons; ++j) {
      AddSample(shed, kShed, {kCriticalityLabels[i], kReasonLabels[j]},
                static_cast<double>(shed_total[i][j]));
    }
  }
  return {std::move(limit), std::move(in_flight), std::move(queued), std::move(overloaded),
          std::move(shed)};
}

std::vector<prometheus::MetricFamily> ClientRateLimitMetrics::Collect() const {
  const rpc::ClientRateLimit::Stats stats = limit_.GetStats();
  prometheus::MetricFamily refused = MakeFamily(kRateLimited);
  prometheus::MetricFamily clients = MakeFamily(kRateLimitClients);
  AddSample(refused, kRateLimited, {}, static_cast<double>(stats.refused_total));
  AddSample(clients, kRateLimitClients, {}, static_cast<double>(stats.clients));
  return {std::move(refused), std::move(clients)};
}

}  // namespace weft::observability
