// The stack of the code that runs: the caller's own, or that which a signal has interrupted; walked
// by libunwind. Return addresses, innermost first, as many as `max`; the number is returned.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_RUNNING_STACK_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_RUNNING_STACK_H_

#include <cstddef>
#include <cstdint>

namespace weft::internal {

// Held during a walk by libunwind on a thread that no signal has interrupted. Waits, for
// microseconds, while a WalkInterruptedStackIfAlone() is under way on another thread.
class WalkMark {
 public:
  WalkMark();
  ~WalkMark();
  WalkMark(const WalkMark&) = delete;
  WalkMark& operator=(const WalkMark&) = delete;
};

// Without the call itself.
size_t WalkOwnStack(uintptr_t* addresses, size_t max);

// `context` is the third argument of a signal handler. In the handler: neither allocates nor locks
// anything that the interrupted code may hold, once WalkOwnStack() has been called in the process
// (libunwind(3), "Thread- and signal-safety"). The first address is one past the interrupted
// instruction, so that all can be read as return addresses.
size_t WalkInterruptedStack(void* context, uintptr_t* addresses, size_t max);

// The same, unless another walk is under way somewhere in the process: then 0 at once. For handlers
// of signals that come to any thread in the middle of anything. A walk takes the dynamic linker's
// lock while it holds libunwind's. A thread interrupted in dlopen() may hold the former and would
// here want the latter, for which it must not wait: another walker may hold it and want the former.
size_t WalkInterruptedStackIfAlone(void* context, uintptr_t* addresses, size_t max);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_RUNNING_STACK_H_
