// RootScope: the outermost cancel scope of work that starts on the loop rather than inside another
// scope: a call of the rpc server. Fibers are started in it (StartOptions::scope).
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_ROOT_SCOPE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_ROOT_SCOPE_H_

#include "platform/fiber/cancel_scope.h"

namespace weft::internal {

class RootScope final : public CancelScope {
 public:
  // For fibers of the calling shard. `name` outlives it.
  explicit RootScope(int64_t deadline_nanos, const char* name = "");
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_ROOT_SCOPE_H_
