// The shards' clock and gRPC's timespecs. gRPC's monotonic clock is CLOCK_MONOTONIC, as
// Clock::Real() is: the numbers are the same.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_TIMESPEC_H_
#define WEFT_PLATFORM_RPC_INTERNAL_TIMESPEC_H_

#include <grpc/support/time.h>

#include <cstdint>

#include "platform/base/clock.h"

namespace weft::rpc::internal {

// kNeverNanos becomes gRPC's infinite future.
inline gpr_timespec ToTimespec(int64_t monotonic_nanos) {
  if (monotonic_nanos == kNeverNanos) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return {monotonic_nanos / 1'000'000'000, static_cast<int32_t>(monotonic_nanos % 1'000'000'000),
          GPR_CLOCK_MONOTONIC};
}

// A time of any of gRPC's clocks; its infinite future becomes kNeverNanos.
inline int64_t ToMonotonicNanos(const gpr_timespec& time) {
  const gpr_timespec monotonic = gpr_convert_clock_type(time, GPR_CLOCK_MONOTONIC);
  if (gpr_time_cmp(monotonic, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0) return kNeverNanos;
  return monotonic.tv_sec * 1'000'000'000 + monotonic.tv_nsec;
}

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_TIMESPEC_H_
