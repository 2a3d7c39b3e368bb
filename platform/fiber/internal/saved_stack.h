// The stacks of fibers that do not run: walked from the registers that Boost.Context saved when the
// fiber was left, by libunwind, which needs no frame pointers and passes through the C library's
// frames.
//
// Where the registers lie is Boost's private matter (libs/context/src/asm/jump_*_sysv_elf_gas.S of
// Boost 1.81), so that it is tried out before it is relied upon: see SavedStacksWork().
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SAVED_STACK_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SAVED_STACK_H_

#include <cstddef>
#include <cstdint>

namespace weft::internal {

inline constexpr size_t kMaxStackFrames = 64;

// The stack whose registers were saved at `saved` (BoostScheduler::SavedRegisters): return
// addresses, innermost first. Returns how many were written, at most `max`; 0 where this is not
// known for the processor. Any thread, while the stack does not change.
size_t WalkSavedStack(const void* saved, uintptr_t* addresses, size_t max);

// Whether WalkSavedStack() reads this build's saved registers rightly: walks a stack whose frames
// are known, once. x86-64 only; false elsewhere.
bool SavedStacksWork();

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SAVED_STACK_H_
