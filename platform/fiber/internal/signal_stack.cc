#include "platform/fiber/internal/signal_stack.h"

#include <sys/mman.h>

#include "platform/base/check.h"

namespace weft::internal {

SignalStack::SignalStack() {
  memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  Check(memory_ != MAP_FAILED, "no memory for a shard's signal stack");
  stack_t stack{};
  stack.ss_sp = memory_;
  stack.ss_size = kBytes;
  Check(sigaltstack(&stack, &before_) == 0, "sigaltstack failed for a shard's thread");
}

SignalStack::~SignalStack() {
  if (before_.ss_sp == nullptr) before_.ss_flags = SS_DISABLE;
  sigaltstack(&before_, nullptr);
  munmap(memory_, kBytes);
}

}  // namespace weft::internal
