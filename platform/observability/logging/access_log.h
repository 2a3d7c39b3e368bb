// AccessLog: a line for each of a share of the calls.
//
//   {…,"level":"info","msg":"call","module":"access","trace_id":"4bf9…",
//    "method":"shop.v1.Shop/Buy","code":"OK","seconds":0.0042,
//    "peer":"ipv4:10.1.2.3:41234","request_bytes":31,"response_bytes":120}
//
// The share is taken by trace id, as that of the recorded traces is (tracing/sampling.h): every
// service with the same ratio logs the same traces, from the first call to the last, and of two
// ratios the lines of the smaller one are among those of the larger. Calls that failed by the
// server's own fault are logged in any case, by failed_calls.h.
//
// A call that is not logged costs some nanoseconds: the look at its trace id. The module's level
// switches all of it off and on at run time (log_levels.h).
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_ACCESS_LOG_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_ACCESS_LOG_H_

#include <atomic>
#include <cstdint>

#include "platform/observability/tracing/sampling.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::observability {

// Put it inside the tracing interceptor, which gives calls their trace ids.
class AccessLog final : public rpc::ServerInterceptor {
 public:
  // `ratio` from 0 (none) to 1 (all).
  explicit AccessLog(double ratio) : threshold_(ratio) {}

  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
  // Parks only if `next` does.
  absl::Status Intercept(CallContext& call, Next next) override;

 private:
  bool Samples();

  const RatioThreshold threshold_;
  std::atomic<uint64_t> calls_without_trace_{0};
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_ACCESS_LOG_H_
