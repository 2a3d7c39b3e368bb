#include "platform/observability/logging/access_log.h"

#include <array>
#include <cstring>

#include "platform/base/clock.h"
#include "platform/base/split_mix.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("access");

// Without tracing: ids as random as a counter's hash (the last steps of SplitMix64).
std::array<uint8_t, 16> MakeUpId(uint64_t count) {
  const uint64_t bits = SplitMix((count + 1) * kSplitMixGamma);
  std::array<uint8_t, 16> id{};
  std::memcpy(id.data() + 8, &bits, sizeof(bits));
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
