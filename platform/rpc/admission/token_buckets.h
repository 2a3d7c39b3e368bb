// TokenBuckets: a token bucket for each of many keys, in little memory and without a clock.
//
// Of a bucket only the time is kept at which it will be full again (base/cell_rate.h). One that
// is full is not kept at all, so the table holds those alone that were asked for within the time a
// bucket takes to fill.
#ifndef WEFT_PLATFORM_RPC_ADMISSION_TOKEN_BUCKETS_H_
#define WEFT_PLATFORM_RPC_ADMISSION_TOKEN_BUCKETS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "platform/base/cell_rate.h"

namespace weft::rpc {

// Not thread-safe.
class TokenBuckets {
 public:
  // `per_second` is positive and finite; `burst`, `max_keys` at least 1.
  TokenBuckets(double per_second, double burst, size_t max_keys);

  // Takes a token of `key`. 0: it had one; else the nanoseconds until it will have one. A key that
  // finds the table full of others is not kept, and has its token: forgetting others would let
  // everybody pass who makes up enough keys.
  int64_t Take(absl::string_view key, int64_t now_nanos);

  size_t size() const { return full_at_nanos_.size(); }

 private:
  void DropFull(int64_t now_nanos);

  const CellRate rate_;
  const size_t max_keys_;
  absl::flat_hash_map<std::string, int64_t> full_at_nanos_;
  int64_t next_drop_nanos_ = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ADMISSION_TOKEN_BUCKETS_H_
