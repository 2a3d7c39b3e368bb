// Metrics of an rpc::JwtAuthenticator: tokens looked at, and calls refused for want of one.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_AUTH_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_AUTH_METRICS_H_

#include <vector>

#include "platform/rpc/auth/jwt_authenticator.h"
#include "prometheus/collectable.h"

namespace weft::observability {

class AuthMetrics final : public prometheus::Collectable {
 public:
  // `authenticator` outlives this. Null where nobody needs a token: all is zero then.
  explicit AuthMetrics(const rpc::JwtAuthenticator* authenticator)
      : authenticator_(authenticator) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const rpc::JwtAuthenticator* const authenticator_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_AUTH_METRICS_H_
