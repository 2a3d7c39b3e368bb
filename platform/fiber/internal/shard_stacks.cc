// A shard's stacks: how deep they are used, and who has used up one. See shard.cc for what runs on
// them.
#include <cstdint>

#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/signal_text.h"

namespace weft::internal {
namespace {

// What an idle fiber keeps of its stack when it is looked at: as much as most calls use. A multiple
// of every page's size.
constexpr size_t kIdleStackBytes = 64 * 1024;

}  // namespace

// Pages that a fiber has touched stay its own, so that a look later still tells how deep it was.
void Shard::LookAtStack(FiberRecord& fiber) {
  FiberStacks& stacks = *fiber.stacks;
  const size_t bytes = stacks.pool.TouchedBytes(StackTop(fiber));
  if (bytes > stacks.high_water_bytes.load(std::memory_order_relaxed)) {
    stacks.high_water_bytes.store(bytes, std::memory_order_relaxed);
  }
  // The frames of an idle fiber, FiberMain and what called it, lie in what is kept.
  if (fiber.state == FiberState::kIdle && bytes > kIdleStackBytes) {
    stacks.pool.Trim(StackTop(fiber), kIdleStackBytes);
  }
}

// The fibers that ended last have run most, so they are always looked at; the others in turn.
void Shard::LookAtStacks() {
  stacks_looked_at_nanos_ = loop_nanos_;
  for (FiberStacks& stacks : stacks_) {
    if (stacks.idle != nullptr) LookAtStack(*stacks.idle);
  }
  for (int i = 0; i < kStacksPerLook; ++i) {
    if (next_look_ == nullptr) next_look_ = all_;
    if (next_look_ == nullptr) break;
    LookAtStack(*next_look_);
    next_look_ = next_look_->all_next;
  }
}

bool Shard::FindOverflow(const void* fault, StackOverflow* overflow) noexcept {
  FiberRecord* const fiber = current_;
  if (fiber == nullptr) return false;
  const StackPool& pool = fiber->stacks->pool;
  const uintptr_t bottom = reinterpret_cast<uintptr_t>(StackTop(*fiber)) - pool.stack_bytes();
  const uintptr_t address = reinterpret_cast<uintptr_t>(fault);
  if (address >= bottom || address < bottom - pool.guard_bytes()) return false;
  overflow->shard = index_;
  overflow->size = static_cast<StackSize>(fiber->stacks - stacks_.data());
  overflow->stack_bytes = pool.stack_bytes();
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
