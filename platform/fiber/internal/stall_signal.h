// The signal by which a shard's thread is made to tell where it is, in the middle of a stall:
// SIGURG. Why that one, and what it does to the system calls it interrupts:
// docs/adr/0006-sigurg-takes-the-stack-of-a-stalled-shard.md.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_STALL_SIGNAL_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_STALL_SIGNAL_H_

#include <pthread.h>
#include <signal.h>

#include <cstddef>

namespace weft::internal {

// Installs the handler, once a process and for good, and warms up what it uses. False when the
// program has a handler of its own for the signal, which is left alone. Any thread.
bool InstallStallSignal();

// Makes the thread, a shard's, answer its StallSample: soon when it has a CPU or sleeps
// interruptibly.
void SendStallSignal(pthread_t thread);

// For as long as it lives the calling thread handles signals on a stack of its own, since fibers'
// may be nearly full, and takes this one. A stack that was there before is put back at the end.
class StallSignalStack {
 public:
  StallSignalStack();
  ~StallSignalStack();
  StallSignalStack(const StallSignalStack&) = delete;
  StallSignalStack& operator=(const StallSignalStack&) = delete;

 private:
  // Handler and libunwind use 9 KiB; sanitizers several times as much.
  static constexpr size_t kBytes = 64 * 1024;
  void* memory_ = nullptr;
  stack_t before_ = {};
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_STALL_SIGNAL_H_
