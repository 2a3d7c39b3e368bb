// The signal by which a shard's thread is made to tell where it is, in the middle of a stall:
// SIGURG. Why that one, and what it does to the system calls it interrupts:
// docs/adr/0006-sigurg-takes-the-stack-of-a-stalled-shard.md.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_STALL_SIGNAL_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_STALL_SIGNAL_H_

#include <pthread.h>

namespace weft::internal {

// Installs the handler, once a process and for good, and warms up what it uses. False when the
// program has a handler of its own for the signal, which is left alone. Any thread.
bool InstallStallSignal();

// Makes the thread, a shard's, answer its StallSample: soon when it has a CPU or sleeps
// interruptibly.
void SendStallSignal(pthread_t thread);

// Lets the calling thread, a shard's, take the signal: on its SignalStack.
void UnblockStallSignal();

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_STALL_SIGNAL_H_
