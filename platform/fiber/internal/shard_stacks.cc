// What a shard knows of its fibers' stacks. See shard.cc for what runs on them.
#include <cstdint>

#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/signal_text.h"

namespace weft::internal {

bool Shard::FindOverflow(const void* fault, StackOverflow* overflow) noexcept {
  FiberRecord* const fiber = current_;
  if (fiber == nullptr) return false;
  const uintptr_t bottom = reinterpret_cast<uintptr_t>(StackTop(*fiber)) - stacks_.stack_bytes();
  const uintptr_t address = reinterpret_cast<uintptr_t>(fault);
  if (address >= bottom || address < bottom - stacks_.guard_bytes()) return false;
  overflow->shard = index_;
  overflow->stack_bytes = stacks_.stack_bytes();
  overflow->fiber_id = fiber->id;
  CopyTextInSignal(fiber->name, overflow->fiber_name);
  if (observer_ == nullptr ||
      !observer_->DescribeFiber(FiberLocals(fiber->locals), overflow->description,
                                sizeof(overflow->description))) {
    overflow->description[0] = '\0';
  }
  return true;
}

}  // namespace weft::internal
