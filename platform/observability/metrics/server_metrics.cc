#include "platform/observability/metrics/server_metrics.h"

#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kOpen = CataloguedMetric("weft_connections_open");
constexpr const Metric& kAccepted = CataloguedMetric("weft_connections_accepted_total");
constexpr const Metric& kRefused = CataloguedMetric("weft_connections_refused_total");
constexpr const Metric& kInFlight = CataloguedMetric("weft_calls_in_flight");

}  // namespace

std::vector<prometheus::MetricFamily> ServerMetrics::Collect() const {
  const rpc::ServerStats stats = server_.Stats();
  prometheus::MetricFamily open = MakeFamily(kOpen);
  AddSample(open, kOpen, {}, static_cast<double>(stats.connections_open));
  prometheus::MetricFamily accepted = MakeFamily(kAccepted);
  AddSample(accepted, kAccepted, {}, static_cast<double>(stats.connections_accepted_total));
  prometheus::MetricFamily refused = MakeFamily(kRefused);
  AddSample(refused, kRefused, {}, static_cast<double>(stats.connections_refused_total));
  prometheus::MetricFamily in_flight = MakeFamily(kInFlight);
  AddSample(in_flight, kInFlight, {}, static_cast<double>(stats.calls_in_flight));
  return {std::move(open), std::move(accepted), std::move(refused), std::move(in_flight)};
}

}  // namespace weft::observability
