#include "platform/fiber/internal/running_stack.h"

#include <libunwind.h>

namespace weft::internal {
namespace {

size_t Walk(unw_cursor_t* cursor, uintptr_t* addresses, size_t max) {
  size_t count = 0;
  while (count < max) {
    unw_word_t address = 0;
    if (unw_get_reg(cursor, UNW_REG_IP, &address) != 0 || address == 0) break;
    addresses[count++] = static_cast<uintptr_t>(address);
    if (unw_step(cursor) <= 0) break;
  }
  return count;
}

}  // namespace

[[gnu::noinline]] size_t WalkOwnStack(uintptr_t* addresses, size_t max) {
  unw_context_t context;
  unw_cursor_t cursor;
  if (unw_getcontext(&context) != 0 || unw_init_local(&cursor, &context) != 0) return 0;
  if (unw_step(&cursor) <= 0) return 0;
  return Walk(&cursor, addresses, max);
}

size_t WalkInterruptedStack(void* context, uintptr_t* addresses, size_t max) {
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, static_cast<unw_context_t*>(context), UNW_INIT_SIGNAL_FRAME) != 0) {
    return 0;
  }
  const size_t count = Walk(&cursor, addresses, max);
  if (count > 0) ++addresses[0];
  return count;
}

}  // namespace weft::internal
