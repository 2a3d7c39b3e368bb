#include "platform/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace weft {
namespace {

int64_t ReadMonotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class RealClock final : public Clock {
 public:
  RealClock() : epoch_(absl::Now() - absl::Nanoseconds(ReadMonotonic())) {}
  int64_t MonotonicNanos() const override { return ReadMonotonic(); }
  absl::Time Epoch() const override { return epoch_; }

 private:
  const absl::Time epoch_;
};

}  // namespace

absl::Time Clock::ToTime(int64_t monotonic_nanos) const {
  if (monotonic_nanos == kNeverNanos) return absl::InfiniteFuture();
  return Epoch() + absl::Nanoseconds(monotonic_nanos);
}

int64_t Clock::ToMonotonicNanos(absl::Time time) const {
  if (time == absl::InfiniteFuture()) return kNeverNanos;
  const absl::Duration since_epoch = time - Epoch();
  if (since_epoch <= absl::ZeroDuration()) return 0;
  // ToInt64Nanoseconds saturates, so that a time in the far future reads as "never".
  return absl::ToInt64Nanoseconds(since_epoch);
}

const Clock& Clock::Real() {
  static const RealClock* const clock = new RealClock;  // Never destroyed: used by late threads.
  return *clock;
}

}  // namespace weft
