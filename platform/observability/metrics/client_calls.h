// MetricsClientInterceptor: A66's client metrics of every outgoing call, for each method, target
// and status.
//
// A channel makes one attempt at a call today, so attempts and calls share their counters: each
// call shows in the grpc_client_attempt_* metrics and in grpc_client_call_duration_seconds.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_CLIENT_CALLS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_CLIENT_CALLS_H_

#include <memory>
#include <vector>

#include "platform/observability/metrics/call_counters.h"
#include "platform/observability/metrics/per_shard.h"
#include "platform/rpc/client/interceptor.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Outlives the channels it is given to, and their calls.
class MetricsClientInterceptor final : public rpc::ClientInterceptor,
                                       public prometheus::Collectable {
 public:
  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
  // Never parks. The tracker is the one allocation a call, which the interface asks for.
  std::unique_ptr<rpc::ClientCallTracker> Start(rpc::OutgoingCall& call) override;

  // Any thread; locks nothing that a call on a shard waits for.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  PerShard<CallTable> tables_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_CLIENT_CALLS_H_
