// SignalStack: a stack of its own for the calling thread's signal handlers, since the fiber that a
// signal interrupts may have little of its stack left, or none.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SIGNAL_STACK_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SIGNAL_STACK_H_

#include <signal.h>

#include <cstddef>

namespace weft::internal {

// For as long as it lives. A stack that was there before is put back at the end.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  // Address space; the pages touched use memory. A walk by libunwind takes 9 KiB, the search for a
  // function's name 5 KiB more; sanitizers several times as much.
  static constexpr size_t kBytes = 128 * 1024;
  void* memory_ = nullptr;
  stack_t before_ = {};
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SIGNAL_STACK_H_
