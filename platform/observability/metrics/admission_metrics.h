// Metrics of an rpc::Admission and of an rpc::ClientRateLimit: limits, and what was turned away.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_ADMISSION_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_ADMISSION_METRICS_H_

#include <vector>

#include "platform/rpc/admission/admission.h"
#include "platform/rpc/admission/client_rate_limit.h"
#include "prometheus/collectable.h"

namespace weft::observability {

class AdmissionMetrics final : public prometheus::Collectable {
 public:
  // `admission` outlives this.
  explicit AdmissionMetrics(const rpc::Admission& admission) : admission_(admission) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const rpc::Admission& admission_;
};

class ClientRateLimitMetrics final : public prometheus::Collectable {
 public:
  // `limit` outlives this.
  explicit ClientRateLimitMetrics(const rpc::ClientRateLimit& limit) : limit_(limit) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const rpc::ClientRateLimit& limit_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_ADMISSION_METRICS_H_
