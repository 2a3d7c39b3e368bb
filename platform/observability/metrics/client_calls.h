// MetricsClientInterceptor: A66's client metrics of every outgoing call, for each method, target
// and status: grpc_client_attempt_* of each attempt, grpc_client_call_duration_seconds of the call
// over all its attempts and the waits between them (rpc/client/retry.h), with the status that its
// caller saw.
//
// Nearly every call is one attempt. Such a one is counted once, for both; calls that were retried
// have tables of their own, and a scrape adds them up. weft_client_retries_total and
// weft_client_hedges_total are the attempts that came after a first one, and those beside one.
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
  struct Tables {
    CallTable only_attempts;  // of calls that took no other: they count as calls too
    CallTable retried;        // first attempts that were not the last
    CallTable retries;
    CallTable hedges;
    CallTable retried_calls;
  };
  class Tracker;

  PerShard<Tables> tables_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_CLIENT_CALLS_H_
