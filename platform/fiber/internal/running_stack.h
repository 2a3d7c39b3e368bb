// The stack of the code that runs: the caller's own, or that which a signal has interrupted; walked
// by libunwind. Return addresses, innermost first, as many as `max`; the number is returned.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_RUNNING_STACK_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_RUNNING_STACK_H_

#include <cstddef>
#include <cstdint>

namespace weft::internal {

// Without the call itself.
size_t WalkOwnStack(uintptr_t* addresses, size_t max);

// `context` is the third argument of a signal handler. In the handler: neither allocates nor locks
// anything that the interrupted code may hold, once WalkOwnStack() has been called in the process
// (libunwind(3), "Thread- and signal-safety"). The first address is one past the interrupted
// instruction, so that all can be read as return addresses.
size_t WalkInterruptedStack(void* context, uintptr_t* addresses, size_t max);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_RUNNING_STACK_H_
