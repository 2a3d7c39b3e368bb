#include "platform/fiber/internal/element_loop.h"

#include "platform/fiber/internal/fiber_record.h"

namespace weft::internal {

void StartElementLike(const FiberRecord& owner) {
  FiberRecord& self = *CurrentFiber();
  for (int i = 0; i < kMaxFiberLocals; ++i) {
    self.locals[i] = owner.locals[i] == nullptr ? nullptr : owner.locals[i]->Copy();
  }
}

}  // namespace weft::internal
