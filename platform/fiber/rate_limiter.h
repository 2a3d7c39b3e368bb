// RateLimiter: a token bucket. `burst` tokens at most, refilled at `rate_per_second`; it starts
// full. For "no more than 100 requests a second to that backend"; what limits how much is done *at
// the same time* is a Semaphore.
//
//   weft::RateLimiter limiter({.rate_per_second = 100, .burst = 20});
//   if (absl::Status s = limiter.Acquire(); !s.ok()) return s;   // parks for its token
//   return backend.Call(request);
//
// Fairness: first come, first served, whatever the sizes: nobody is overtaken, also not by
// TryAcquire(). Tokens of a request that gives up go to those behind it.
//
// Refuses early: a request that would have to wait beyond its deadline (the argument, or that of
// the cancel scope, as a call's handler has it) fails at once. It would only take tokens, or a
// place in the line, from one that can still succeed. It is reckoned with all those ahead taking
// theirs: should some of them give up, it may have been refused for nothing.
//
// Threads: Acquire() on fibers of any shard; TryAcquire() also from plain threads.
// Time is that of one clock. In any span of t seconds no more than burst + rate × (t + 2 ms) tokens
// are given out: a wake that comes up to 2 ms late costs those who wait no tokens (1 ms is what it
// may be where the runtime polls gRPC).
#ifndef WEFT_PLATFORM_FIBER_RATE_LIMITER_H_
#define WEFT_PLATFORM_FIBER_RATE_LIMITER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

struct RateLimiterOptions {
  double rate_per_second = 0;  // tokens; positive and finite
  size_t burst = 1;            // tokens that the bucket holds; at least 1
  // Null: that of the runtime of its first caller (the real one on plain threads).
  const Clock* clock = nullptr;
};

class RateLimiter {
 public:
  // Requires: options as said above.
  explicit RateLimiter(const RateLimiterOptions& options);
  ~RateLimiter();  // Requires: nobody is in Acquire().
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  // Parks until it is the caller's turn and `n` tokens are there, and takes them. A cancel point
  // when it parks: tokens at hand are taken in a cancelled scope too, and after `deadline`.
  // Errors, without tokens then:
  //   - RESOURCE_EXHAUSTED, at once: the deadline, or the scope's, comes before the tokens; the
  //     text says when they would be there;
  //   - INVALID_ARGUMENT, at once: n > burst, for which it would wait for ever;
  //   - the cancel scope's status; DEADLINE_EXCEEDED, if `deadline` has passed (before the call, or
  //     because those ahead were late).
  // n = 0 takes nothing, at once. Requires: on a fiber, of a runtime on the limiter's clock.
  absl::Status Acquire(size_t n = 1, absl::Time deadline = absl::InfiniteFuture());

  // True, with the tokens, if they are there and nobody waits for some. Never parks.
  bool TryAcquire(size_t n = 1);

 private:
  struct Request;

  absl::Status AcquireSlow(Request& self, int64_t deadline_nanos);
  absl::Status AwaitTokens(double n, int64_t deadline_nanos);
  // Under lock_.
  int64_t Refill();
  bool Take(double n);
  int64_t ReadyNanos(double n) const;
  void PassOn();

  const double rate_per_nano_;
  const double burst_;
  internal::SpinLock lock_;
  const Clock* clock_;
  int64_t filled_nanos_ = 0;  // when tokens_ was right
  double tokens_;
  double awaited_ = 0;     // tokens that all who wait want
  bool has_head_ = false;  // somebody waits for the bucket to fill; others wait in line_
  internal::WaitQueue line_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_RATE_LIMITER_H_
