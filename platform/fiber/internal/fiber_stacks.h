// FiberStacks: a shard's stacks of one size, and the fibers that idle on them.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_FIBER_STACKS_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_FIBER_STACKS_H_

#include <atomic>
#include <cstddef>

#include "platform/fiber/internal/stack_pool.h"

namespace weft::internal {

struct FiberRecord;

// The shard's thread only, but for what StackPool says, and `high_water_bytes`.
struct FiberStacks {
  explicit FiberStacks(size_t stack_bytes) : pool(stack_bytes) {}

  StackPool pool;
  FiberRecord* idle = nullptr;              // last in, first out: warm stacks first
  std::atomic<size_t> high_water_bytes{0};  // the deepest use that was seen; written by the shard
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_FIBER_STACKS_H_
