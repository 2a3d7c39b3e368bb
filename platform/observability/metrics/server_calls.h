// MetricsServerInterceptor: A66's server metrics of every call, for each method and status; and why
// calls were cancelled.
//
// Place it outermost: what inner interceptors refuse is counted too. A call's duration runs from
// its acceptance to the moment its status is known, just before that is sent.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_SERVER_CALLS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_SERVER_CALLS_H_

#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/observability/metrics/call_counters.h"
#include "platform/observability/metrics/per_shard.h"
#include "platform/rpc/server/interceptor.h"
#include "platform/rpc/server/service.h"
#include "prometheus/collectable.h"

namespace weft::observability {

class MetricsServerInterceptor final : public rpc::ServerInterceptor,
                                       public prometheus::Collectable {
 public:
  // Makes the methods' series appear, as zero, before their first call. Without it calls are
  // counted all the same. Any thread.
  void RegisterService(const rpc::Service& service);

  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
  // Parks only if `next` does.
  absl::Status Intercept(CallContext& call, Next next) override;

  // Any thread; locks nothing that a call on a shard waits for.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  PerShard<CallTable> tables_;
  mutable absl::Mutex mutex_;
  std::set<std::string> registered_methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_SERVER_CALLS_H_
