#include "platform/observability/metrics/auth_metrics.h"

#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kTokens = CataloguedMetric("weft_auth_tokens_total");
constexpr const Metric& kRejected = CataloguedMetric("weft_auth_rejected_calls_total");
constexpr const Metric& kReloadsFailed = CataloguedMetric("weft_auth_key_reloads_failed_total");

}  // namespace

std::vector<prometheus::MetricFamily> AuthMetrics::Collect() const {
  const rpc::JwtStats stats = authenticator_ == nullptr ? rpc::JwtStats() : authenticator_->Stats();
  prometheus::MetricFamily tokens = MakeFamily(kTokens);
  AddSample(tokens, kTokens, {"verified"}, static_cast<double>(stats.verified_total));
  AddSample(tokens, kTokens, {"remembered"}, static_cast<double>(stats.cached_total));
  prometheus::MetricFamily rejected = MakeFamily(kRejected);
  AddSample(rejected, kRejected, {"UNAUTHENTICATED"}, static_cast<double>(stats.refused_total));
  AddSample(rejected, kRejected, {"PERMISSION_DENIED"}, static_cast<double>(stats.denied_total));
  std::vector<prometheus::MetricFamily> families = {std::move(tokens), std::move(rejected)};
  AddValue(families, kReloadsFailed, static_cast<double>(stats.reloads_failed_total));
  return families;
}

}  // namespace weft::observability
