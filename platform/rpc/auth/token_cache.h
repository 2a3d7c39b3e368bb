// TokenCache: what was verified lately, so that a token that comes with every call is verified
// once. Of one shard, used without parking.
//
// Bounded in two generations: when the young one is full it becomes the old one, whose tokens are
// forgotten unless they were asked for meanwhile. So a token in use stays, at the cost of a hash
// table; no list is kept in order.
#ifndef WEFT_PLATFORM_RPC_AUTH_TOKEN_CACHE_H_
#define WEFT_PLATFORM_RPC_AUTH_TOKEN_CACHE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "platform/rpc/auth/claims.h"

namespace weft::rpc::internal {

class TokenCache {
 public:
  // At most `capacity` tokens; 0: none.
  explicit TokenCache(size_t capacity) : generation_size_((capacity + 1) / 2) {}

  // Null where it is not known. `digest` is a cryptographic hash of the token: nobody can find
  // another one with the same, and no token stays in memory.
  std::shared_ptr<const Claims> Find(const std::string& digest) {
    if (const auto found = young_.find(digest); found != young_.end()) return found->second;
    const auto found = old_.find(digest);
    if (found == old_.end()) return nullptr;
    std::shared_ptr<const Claims> claims = found->second;
    Add(digest, claims);
    return claims;
  }
  void Add(const std::string& digest, std::shared_ptr<const Claims> claims) {
    if (generation_size_ == 0) return;
    if (young_.size() >= generation_size_) old_ = std::exchange(young_, {});
    young_.insert_or_assign(digest, std::move(claims));
  }
  void Clear() {
    young_.clear();
    old_.clear();
  }
  size_t size() const { return young_.size() + old_.size(); }

 private:
  using Generation = absl::flat_hash_map<std::string, std::shared_ptr<const Claims>>;
  const size_t generation_size_;
  Generation young_;
  Generation old_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_AUTH_TOKEN_CACHE_H_
