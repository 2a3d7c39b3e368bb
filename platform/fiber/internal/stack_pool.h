// StackPool: the stacks of one shard's fibers, carved out of large reserved mappings ("slabs").
//
// Only the pages a fiber has touched use memory (and of shards with many fibers the first page of
// each stack); the rest of a stack is address space. Below each
// stack lies a guard of kGuardBytes, so that an overflow crashes (overflow_signal.h) instead of
// writing into the neighbour:
//   - Linux ≥ 6.13: madvise(MADV_GUARD_INSTALL), which splits no mapping;
//   - before: mprotect, which costs a kernel map entry each. Those are limited (vm.max_map_count,
//     65,530 by default), so at most kMaxProtectedStacks of a process are guarded at once.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_STACK_POOL_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_STACK_POOL_H_

#include <atomic>
#include <cstddef>
#include <vector>

namespace weft::internal {

// Used by its shard's thread only, but for in_use().
class StackPool {
 public:
  // Half of the kernel's default map budget: two entries a stack, and room for everybody else.
  static constexpr size_t kMaxProtectedStacks = 16'000;
  static constexpr size_t kStacksPerSlab = 64;
  // From then on the first pages of a slab's stacks are asked for together, ahead of their faults:
  // a shard that has grown so far grows on, and has one page in sixteen too many at most.
  static constexpr size_t kSlabsBeforePopulating = 16;
  // A function whose variables take more can step over the guard without touching it. Rounded up to
  // pages.
  static constexpr size_t kGuardBytes = 16 * 1024;

  // `stack_bytes` is rounded up to pages.
  explicit StackPool(size_t stack_bytes);
  ~StackPool();  // Requires: every stack was given back; ends the process otherwise.
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // The top (highest address) of a stack of stack_bytes(); null when the system refuses memory.
  void* Allocate();
  // The stack may be used again. Its memory stays until ReleaseMemory().
  void Deallocate(void* top);
  // Returns the memory of the stacks that were given back to the system: one call of it for
  // neighbours together.
  void ReleaseMemory();

  // How deep a stack was used since it was new or trimmed, in whole pages: from its lowest page
  // that has memory to its top. Pages that were swapped out may not count.
  size_t TouchedBytes(void* top) const;
  // Returns the memory of a stack to the system, but for the `keep_bytes` next to its top; a
  // multiple of the page's size.
  void Trim(void* top, size_t keep_bytes);

  size_t stack_bytes() const { return stack_bytes_; }
  size_t guard_bytes() const { return guard_bytes_; }
  // Stacks allocated and not given back. Any thread.
  size_t in_use() const { return in_use_.load(std::memory_order_relaxed); }

 private:
  bool AddSlab();

  const size_t stack_bytes_;
  const size_t guard_bytes_;
  const size_t stride_bytes_;  // stack and guard
  std::vector<void*> slabs_;
  size_t protected_count_ = 0;     // guards that take of the process' map budget
  std::vector<void*> free_;        // tops; the last one given back is the first one out
  std::vector<void*> unreleased_;  // tops of those that still have memory
  std::atomic<size_t> in_use_{0};  // written by the shard alone
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_STACK_POOL_H_
