// A lock of the kit's own: short, and contended only in tests with several shards, so that it is no
// news when a fiber waits for it (fiber/blocking_calls.h).
#ifndef WEFT_PLATFORM_RPC_TESTING_SHORT_LOCK_H_
#define WEFT_PLATFORM_RPC_TESTING_SHORT_LOCK_H_

#include <mutex>

#include "platform/fiber/blocking_calls.h"

namespace weft::rpc::internal {

// Held as long as it lives. Its fiber must not park meanwhile.
class ShortLock {
 public:
  explicit ShortLock(std::mutex& mutex) : hold_(mutex) {}

 private:
  const AllowBlockingCalls allow_;  // Outlives the lock: a wait is told of at its end.
  const std::lock_guard<std::mutex> hold_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_TESTING_SHORT_LOCK_H_
