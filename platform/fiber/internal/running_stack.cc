#include "platform/fiber/internal/running_stack.h"

#include <libunwind.h>

#include <atomic>
#include <thread>

namespace weft::internal {
namespace {

// How many walks are under way; kAlone: one, which lets no other begin.
constexpr int kAlone = -1;
std::atomic<int> walks{0};

bool Join() {
  int count = walks.load(std::memory_order_relaxed);
  while (count != kAlone) {
    if (walks.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return true;
  }
  return false;
}

void Leave() { walks.fetch_sub(1, std::memory_order_release); }

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

size_t WalkFromSignal(void* context, uintptr_t* addresses, size_t max) {
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, static_cast<unw_context_t*>(context), UNW_INIT_SIGNAL_FRAME) != 0) {
    return 0;
  }
  const size_t count = Walk(&cursor, addresses, max);
  if (count > 0) ++addresses[0];
  return count;
}

}  // namespace

WalkMark::WalkMark() {
  while (!Join()) std::this_thread::yield();
}

WalkMark::~WalkMark() { Leave(); }

[[gnu::noinline]] size_t WalkOwnStack(uintptr_t* addresses, size_t max) {
  const WalkMark mark;
  unw_context_t context;
  unw_cursor_t cursor;
  if (unw_getcontext(&context) != 0 || unw_init_local(&cursor, &context) != 0) return 0;
  if (unw_step(&cursor) <= 0) return 0;
  return Walk(&cursor, addresses, max);
}

// It may have interrupted a lone walk of its own thread, so it waits for none.
size_t WalkInterruptedStack(void* context, uintptr_t* addresses, size_t max) {
  const bool joined = Join();
  const size_t count = WalkFromSignal(context, addresses, max);
  if (joined) Leave();
  return count;
}

size_t WalkInterruptedStackIfAlone(void* context, uintptr_t* addresses, size_t max) {
  int none = 0;
  if (!walks.compare_exchange_strong(none, kAlone, std::memory_order_acquire)) return 0;
  const size_t count = WalkFromSignal(context, addresses, max);
  walks.store(0, std::memory_order_release);
  return count;
}

}  // namespace weft::internal
