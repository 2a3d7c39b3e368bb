// Logs calls that failed by this server's own fault: INTERNAL, UNKNOWN and DATA_LOSS, with the text
// that clients do not see (rpc/error_details.h). What clients do wrong is in metrics and spans
// only.
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_FAILED_CALLS_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_FAILED_CALLS_H_

#include <atomic>
#include <cstdint>

#include "platform/fiber/rate_limiter.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::observability {

// Put it inside the tracing interceptor: its lines then have the call's trace id. At most 20 lines
// at once and 5 a second on average; a line tells how many before it were left out.
class FailedCallLog final : public rpc::ServerInterceptor {
 public:
  FailedCallLog();
  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
  absl::Status Intercept(CallContext& call, Next next) override;

 private:
  void Write(const CallContext& call, const absl::Status& status);

  RateLimiter limiter_;
  std::atomic<uint64_t> left_out_{0};
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_FAILED_CALLS_H_
