#include "platform/observability/logging/access_log.h"

#include <array>
#include <cstring>

#include "platform/base/clock.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("access");

// Without tracing: ids as random as a counter's hash (the last steps of SplitMix64).
std::array<uint8_t, 16> MakeUpId(uint64_t count) {
  uint64_t z = (count + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  std::array<uint8_t, 16> id{};
  std::memcpy(id.data() + 8, &z, sizeof(z));
  return id;
}

}  // namespace

bool AccessLog::Samples() {
  if (!kLog.Enabled(Severity::kInfo)) return false;
  const TraceIds ids = CurrentTraceIds();
  if (ids.valid()) return threshold_.Samples(ids.trace_id);
  return threshold_.Samples(MakeUpId(calls_without_trace_.fetch_add(1, std::memory_order_relaxed)));
}

absl::Status AccessLog::Intercept(CallContext& call, Next next) {
  if (!Samples()) return next();
  absl::Status status = next();
  const Runtime* const runtime = Runtime::Current();
  const Clock& clock = runtime == nullptr ? Clock::Real() : runtime->clock();
  const int64_t nanos = clock.MonotonicNanos() - call.accepted_nanos();
  kLog.Info("call",
            {{"method", call.requested_method()},
             {"code", absl::StatusCodeToString(status.code())},
             {"seconds", static_cast<double>(nanos) / 1e9},
             {"peer", call.peer()},
             {"request_bytes", call.received_bytes()},
             {"response_bytes", call.sent_bytes()}},
            kNoLogLimit);
  return status;
}

}  // namespace weft::observability
