#include "platform/fiber/internal/cycle_clock.h"

namespace weft::internal {

double NanosPerCycle() {
  static const double ratio = [] {
    const Clock& clock = Clock::Real();
    const int64_t start_nanos = clock.MonotonicNanos();
    const uint64_t start_cycles = ReadCycles();
    int64_t nanos = 0;
    while (nanos < 1'000'000) nanos = clock.MonotonicNanos() - start_nanos;
    return static_cast<double>(nanos) / static_cast<double>(ReadCycles() - start_cycles);
  }();
  return ratio;
}

}  // namespace weft::internal
