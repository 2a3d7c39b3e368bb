// Ticker: a tick every `period`, for what is done again and again: refreshing, flushing, sampling.
//
//   weft::Ticker ticker({.period = absl::Seconds(10)});
//   while (ticker.Wait().ok()) Refresh();          // until cancelled
//
// Ticks are due at start + period, start + 2 × period, …: neither the time that Refresh() takes nor
// late wakes make them drift, unless kDelay asks for it. (A loop round weft::SleepFor() drifts by
// all of that.)
//
// Ticks that were missed, since the caller came for them late: the policies are those of Tokio's
// MissedTickBehavior.
//
// Threads: a ticker belongs to one fiber at a time, and to the shard that it was made on.
#ifndef WEFT_PLATFORM_FIBER_TICKER_H_
#define WEFT_PLATFORM_FIBER_TICKER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft {

// With a period of 10 s, and a caller who comes for the tick of 10 s at 35 s:
enum class MissedTicks {
  // The tick of 10 s at once, then 40 s, 50 s: missed ones are dropped, the grid stays. What a
  // periodic job wants, and the default.
  kSkip,
  // The ticks of 10 s, 20 s and 30 s at once, then 40 s, 50 s: their number is right. For counting.
  kBurst,
  // The tick of 10 s at once, then 45 s, 55 s: never less than a period between two. The grid moves
  // by however late the caller or the wake was.
  kDelay,
};

struct TickerOptions {
  absl::Duration period;  // positive; below a nanosecond counts as one; infinite: no tick comes
  MissedTicks missed = MissedTicks::kSkip;
};

class Ticker {
 public:
  // Starts now. Requires: on a fiber; a positive period.
  explicit Ticker(const TickerOptions& options);
  ~Ticker();  // Requires: nobody is in Wait().
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  // Parks until the next tick, and takes it; returns at once, without a park, when it is due
  // already. Always a cancel point: in a cancelled scope it returns the scope's status, even when a
  // tick is due, so that the loop above ends. Errors: that, or DEADLINE_EXCEEDED, if the tick is
  // due after `deadline`; the tick has not been taken then. A runtime that polls gRPC wakes up to
  // 1 ms late. Requires: one fiber at a time, of the ticker's shard.
  absl::Status Wait(absl::Time deadline = absl::InfiniteFuture());

  // Starts again: the next tick is due one period from now. Never parks.
  void Reset();

  // When the next tick is due. Never parks.
  absl::Time next() const;

 private:
  void TakeTick(int64_t now_nanos);

  const int64_t period_nanos_;
  const MissedTicks missed_;
  int64_t next_nanos_ = 0;
  bool waiting_ = false;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TICKER_H_
