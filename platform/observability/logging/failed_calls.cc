#include "platform/observability/logging/failed_calls.h"

#include <string>

#include "platform/observability/logging/log.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("rpc");
constexpr double kLinesPerSecond = 5;
constexpr size_t kLinesAtOnce = 20;

bool IsOwnFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

}  // namespace

FailedCallLog::FailedCallLog()
    : limiter_({.rate_per_second = kLinesPerSecond, .burst = kLinesAtOnce}) {}

absl::Status FailedCallLog::Intercept(CallContext& call, Next next) {
  absl::Status status = next();
  if (IsOwnFault(status.code())) [[unlikely]]
    Write(call, status);
  return status;
}

void FailedCallLog::Write(const CallContext& call, const absl::Status& status) {
  if (!limiter_.TryAcquire()) {
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  kLog.Error("a call failed", {{"method", call.requested_method()},
                               {"code", absl::StatusCodeToString(status.code())},
                               {"error", std::string(status.message())},
                               {"peer", call.peer()},
                               {"left_out", left_out_.exchange(0, std::memory_order_relaxed)}});
}

}  // namespace weft::observability
