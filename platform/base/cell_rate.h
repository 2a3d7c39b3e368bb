// CellRate: a token bucket in one number, by the generic cell rate algorithm (ITU-T I.371, annex
// A): of a bucket only the time is kept at which it will be full. Without a clock.
#ifndef WEFT_PLATFORM_BASE_CELL_RATE_H_
#define WEFT_PLATFORM_BASE_CELL_RATE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace weft {

struct CellRate {
  int64_t token_nanos;  // in which a token comes
  int64_t burst_nanos;  // in which an empty bucket fills; token_nanos at least

  // When a bucket that was to be full then will be, with one token less.
  int64_t Take(int64_t full_at_nanos, int64_t now_nanos) const {
    return std::max(full_at_nanos, now_nanos) + token_nanos;
  }
  // How long the token has to be waited for that was taken last; not above zero: it was there.
  int64_t Wait(int64_t full_at_nanos, int64_t now_nanos) const {
    return full_at_nanos - burst_nanos - now_nanos;
  }
  // Takes a token from a bucket that threads share, if one is there.
  bool TryTake(std::atomic<int64_t>& full_at_nanos, int64_t now_nanos) const {
    int64_t full_at = full_at_nanos.load(std::memory_order_relaxed);
    int64_t next = 0;
    do {
      next = Take(full_at, now_nanos);
      if (Wait(next, now_nanos) > 0) return false;
    } while (!full_at_nanos.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    return true;
  }
};

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CELL_RATE_H_
