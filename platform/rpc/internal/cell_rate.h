// CellRate: a token bucket in one number, by the generic cell rate algorithm (ITU-T I.371, annex
// A): of a bucket only the time is kept at which it will be full. Without a clock.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_CELL_RATE_H_
#define WEFT_PLATFORM_RPC_INTERNAL_CELL_RATE_H_

#include <algorithm>
#include <cstdint>

namespace weft::rpc::internal {

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
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_CELL_RATE_H_
