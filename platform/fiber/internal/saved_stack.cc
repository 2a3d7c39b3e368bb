#include "platform/fiber/internal/saved_stack.h"

#include <libunwind.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstring>
#include <memory>

#include "platform/fiber/internal/running_stack.h"

namespace weft::internal {
namespace {

namespace context = boost::context::detail;

#if defined(__x86_64__)

// What jump_fcontext and ontop_fcontext push, from the saved stack pointer upwards; the caller's
// stack pointer is right above it.
struct SavedRegisters {
  uint64_t floating_point_control;
  uint64_t stack_protector;
  uint64_t r12, r13, r14, r15, rbx, rbp, rip;
};

bool Restore(const void* saved, unw_context_t* registers) {
  SavedRegisters from;
  std::memcpy(&from, saved, sizeof(from));
  std::memset(registers, 0, sizeof(*registers));
  greg_t* const to = registers->uc_mcontext.gregs;
  to[REG_R12] = static_cast<greg_t>(from.r12);
  to[REG_R13] = static_cast<greg_t>(from.r13);
  to[REG_R14] = static_cast<greg_t>(from.r14);
  to[REG_R15] = static_cast<greg_t>(from.r15);
  to[REG_RBX] = static_cast<greg_t>(from.rbx);
  to[REG_RBP] = static_cast<greg_t>(from.rbp);
  to[REG_RIP] = static_cast<greg_t>(from.rip);
  to[REG_RSP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(saved) + sizeof(from));
  return true;
}

#else

bool Restore(const void*, unw_context_t*) { return false; }

#endif

// The stack of the trial: two functions that leave it for good.
constexpr size_t kTrialStackBytes = 64 * 1024;

[[gnu::noinline]] void TrialInner(context::fcontext_t back) {
  context::jump_fcontext(back, nullptr);
  asm volatile("");  // No tail call: the frame must be there.
}

[[gnu::noinline]] void TrialOuter(context::transfer_t from) {
  TrialInner(from.fctx);
  asm volatile("");
}

bool IsInFunction(uintptr_t address, uintptr_t function) {
  unw_proc_info_t info;
  return unw_get_proc_info_by_ip(unw_local_addr_space, static_cast<unw_word_t>(address - 1), &info,
                                 nullptr) == 0 &&
         info.start_ip == function;
}

bool TryOut() {
  const auto stack = std::make_unique<char[]>(kTrialStackBytes);
  const context::transfer_t left = context::jump_fcontext(
      context::make_fcontext(stack.get() + kTrialStackBytes, kTrialStackBytes, TrialOuter),
      nullptr);
  uintptr_t addresses[kMaxStackFrames];
  const size_t count = WalkSavedStack(left.fctx, addresses, kMaxStackFrames);
  return count >= 2 && IsInFunction(addresses[0], reinterpret_cast<uintptr_t>(&TrialInner)) &&
         IsInFunction(addresses[1], reinterpret_cast<uintptr_t>(&TrialOuter));
}

}  // namespace

size_t WalkSavedStack(const void* saved, uintptr_t* addresses, size_t max) {
  const WalkMark mark;
  unw_context_t registers;
  unw_cursor_t cursor;
  if (!Restore(saved, &registers) || unw_init_local(&cursor, &registers) != 0) return 0;
  size_t count = 0;
  while (count < max) {
    unw_word_t address = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &address) != 0 || address == 0) break;
    addresses[count++] = static_cast<uintptr_t>(address);
    if (unw_step(&cursor) <= 0) break;
  }
  return count;
}

bool SavedStacksWork() {
  static const bool work = TryOut();
  return work;
}

}  // namespace weft::internal
