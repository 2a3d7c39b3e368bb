// Says so when a fiber has used up its stack: by handlers for SIGSEGV and SIGBUS, which look
// whether the fault lies in the guard below the running fiber's stack.
//
//   weft: fiber 17 'shop.v1.Shop/Get' (trace 4bf92f35…) on shard 0 has overflowed its stack of
//   262144 bytes. Look for …
//   weft:   0x55d0c0ffee Parse()
//   weft:   0x55d0c0ff00 Parse() (39 times)
//
// It changes nothing else. Whatever the fault was, the handler that was there before is called
// next; where there was none the default action follows, with the fault's own registers, so that a
// core shows the overflow. Another handler that is installed later, and does not call the one that
// it finds, silences the report.
//
// What is not seen: an overflow by a function with more than StackPool::kGuardBytes of variables
// that touches none of them in the guard, and that of a stack without a guard (stack_pool.h).
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_OVERFLOW_SIGNAL_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_OVERFLOW_SIGNAL_H_

namespace weft::internal {

// Once a process, and for good. Any thread. The report needs the shard's SignalStack.
void InstallOverflowSignal();

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_OVERFLOW_SIGNAL_H_
