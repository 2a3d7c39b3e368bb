#include "platform/fiber/fiber_local.h"

#include <atomic>

#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"

namespace weft::internal {

int ReserveFiberLocalSlot() {
  static std::atomic<int> next{0};
  const int slot = next.fetch_add(1);
  Check(slot < kMaxFiberLocals, "too many FiberLocal objects: raise kMaxFiberLocals");
  return slot;
}

std::unique_ptr<FiberLocalValue>& FiberLocalSlot(int slot) {
  thread_local std::unique_ptr<FiberLocalValue> of_thread[kMaxFiberLocals];
  FiberRecord* const fiber = CurrentFiber();
  return fiber == nullptr ? of_thread[slot] : fiber->locals[slot];
}

}  // namespace weft::internal
