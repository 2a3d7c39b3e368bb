// The one source of time. Code under platform/ never reads a system clock itself: it is handed a
// Clock, so that tests can hand it a simulated one (fiber/testing/simulated_clock.h).
//
// Two scales, tied together when the clock is made:
//   - monotonic nanoseconds (`int64_t`), used inside for deadlines and timers;
//   - `absl::Time`, used in public interfaces. It advances with the monotonic scale, so that a
//     deadline never jumps when somebody sets the wall clock.
#ifndef WEFT_PLATFORM_BASE_CLOCK_H_
#define WEFT_PLATFORM_BASE_CLOCK_H_

#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace weft {

// A monotonic instant that never comes.
inline constexpr int64_t kNeverNanos = std::numeric_limits<int64_t>::max();

// Thread-safe. Neither parks a fiber nor blocks a thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Nanoseconds since an arbitrary fixed instant; never goes back.
  virtual int64_t MonotonicNanos() const = 0;

  // The `absl::Time` that belongs to monotonic instant 0 of this clock.
  virtual absl::Time Epoch() const = 0;

  absl::Time Now() const { return ToTime(MonotonicNanos()); }
  absl::Time ToTime(int64_t monotonic_nanos) const;
  // Infinite and far-away times become kNeverNanos; times before the epoch become 0.
  int64_t ToMonotonicNanos(absl::Time time) const;

  // The process-wide real clock (CLOCK_MONOTONIC, anchored once to the wall clock).
  static const Clock& Real();
};

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CLOCK_H_
