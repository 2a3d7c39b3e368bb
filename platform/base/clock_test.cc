#include "platform/base/clock.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

class FixedClock final : public Clock {
 public:
  int64_t MonotonicNanos() const override { return 5'000; }
  absl::Time Epoch() const override { return absl::FromUnixSeconds(1'000); }
};

TEST(Clock, ConvertsBothWays) {
  FixedClock clock;
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(1'000) + absl::Microseconds(5));
  EXPECT_EQ(clock.ToMonotonicNanos(clock.Now() + absl::Seconds(1)), 1'000'005'000);
}

TEST(Clock, FarFutureIsNever) {
  FixedClock clock;
  EXPECT_EQ(clock.ToMonotonicNanos(absl::InfiniteFuture()), kNeverNanos);
  EXPECT_EQ(clock.ToMonotonicNanos(clock.Now() + absl::Hours(24.0 * 365 * 1'000)), kNeverNanos);
  EXPECT_EQ(clock.ToTime(kNeverNanos), absl::InfiniteFuture());
}

TEST(Clock, PastIsZero) {
  FixedClock clock;
  EXPECT_EQ(clock.ToMonotonicNanos(absl::InfinitePast()), 0);
  EXPECT_EQ(clock.ToMonotonicNanos(absl::FromUnixSeconds(1)), 0);
}

TEST(Clock, RealClockNeverGoesBack) {
  const int64_t first = Clock::Real().MonotonicNanos();
  EXPECT_LE(first, Clock::Real().MonotonicNanos());
}

}  // namespace
}  // namespace weft
