// The shards' clock, and gRPC's timespecs and milliseconds. gRPC's monotonic clock is
// CLOCK_MONOTONIC, as Clock::Real() is: the numbers are the same. An instant of another clock, in
// tests, is as far from now on gRPC's as it is on its own.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_TIMESPEC_H_
#define WEFT_PLATFORM_RPC_INTERNAL_TIMESPEC_H_

#include <grpc/support/time.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "platform/base/clock.h"

namespace weft::rpc::internal {

// The instant `nanos` of `from`, on `to`.
inline int64_t Translate(int64_t nanos, const Clock& from, const Clock& to) {
  if (&from == &to || nanos == kNeverNanos) return nanos;
  const int64_t left = nanos - from.MonotonicNanos();
  const int64_t now = to.MonotonicNanos();
  return left > kNeverNanos - now ? kNeverNanos : now + left;
}

// kNeverNanos becomes gRPC's infinite future.
inline gpr_timespec ToTimespec(int64_t monotonic_nanos, const Clock& clock) {
  const int64_t real_nanos = Translate(monotonic_nanos, clock, Clock::Real());
  if (real_nanos == kNeverNanos) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return {real_nanos / 1'000'000'000, static_cast<int32_t>(real_nanos % 1'000'000'000),
          GPR_CLOCK_MONOTONIC};
}

// A time of any of gRPC's clocks; its infinite future becomes kNeverNanos.
inline int64_t ToMonotonicNanos(const gpr_timespec& time, const Clock& clock) {
  const gpr_timespec monotonic = gpr_convert_clock_type(time, GPR_CLOCK_MONOTONIC);
  if (gpr_time_cmp(monotonic, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0) return kNeverNanos;
  return Translate(monotonic.tv_sec * 1'000'000'000 + monotonic.tv_nsec, Clock::Real(), clock);
}

// gRPC's options are times in an int: at least one, which is the least that it takes; some 24 days
// and more are kNeverMillis.
inline constexpr int kNeverMillis = std::numeric_limits<int>::max();
inline int ToMillis(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, kNeverMillis));
}

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_TIMESPEC_H_
