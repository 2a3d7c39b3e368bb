// The processor's cycle counter: a time stamp of about ten nanoseconds' cost, for measuring how
// long fibers run. Never used for deadlines.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_CYCLE_CLOCK_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_CYCLE_CLOCK_H_

#include <cstdint>

#include "platform/base/clock.h"

namespace weft::internal {

inline uint64_t ReadCycles() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<uint64_t>(Clock::Real().MonotonicNanos());
#endif
}

// Measured once against the real clock (takes about a millisecond at the first call).
double NanosPerCycle();

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_CYCLE_CLOCK_H_
