// What the functions that stand in for the C library's ask and tell (interposed_*.cc). The source
// is linked where they are; its variables, which the fiber layer looks at, always:
// blocking_calls.cc.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_BLOCKING_MONITOR_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_BLOCKING_MONITOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/fiber/blocking_calls.h"

namespace weft::internal {

struct FiberRecord;

class BlockingMonitor {
 public:
  // A thread may lose its CPU for so long while it holds a lock: no news.
  static constexpr int64_t kLongLockWaitNanos = 1'000'000;
  // Stacks that are reported by one process, each once.
  static constexpr size_t kMaxStacksTold = 1000;

  // The fiber that makes the call, if it may not block: null off fibers, under AllowBlockingCalls,
  // and while a report is being made. May be called in a signal handler.
  static FiberRecord* Watched();

  // The fiber is about to block in `function`, which is a name on its stack. This and those below
  // keep errno.
  static void Blocks(FiberRecord& fiber, const char* function);
  // It is about to, within a wait of Abseil's. False where that is for a lock: nothing was told.
  static bool BlocksInAbseil(FiberRecord& fiber);
  // It has waited for a lock, and has it. Told when it has none any more: the observer may need
  // that very lock.
  static void WaitedForLock(const char* function, int64_t nanos);

  // The calling fiber has taken a lock, or given one back; nothing off fibers.
  static void CountLock();
  static void CountUnlock();

  static std::atomic<BlockingCallHandler> handler;
  // Called, where set, in builds without NDEBUG, on a fiber that parks or yields, or whose body has
  // ended.
  static std::atomic<void (*)(FiberRecord& fiber, bool ended)> on_fiber_left;

 private:
  static void FiberLeft(FiberRecord& fiber, bool ended);
  static void TellLockWaits(FiberRecord& fiber);
  static std::vector<uintptr_t> OwnStack();
  static std::vector<std::string> Names(const std::vector<uintptr_t>& stack,
                                        absl::string_view first);
  static bool IsNew(const std::vector<uintptr_t>& stack);
  static void Tell(FiberRecord& fiber, const std::vector<uintptr_t>& stack, absl::string_view first,
                   BlockingCall call);

  static const bool hooked;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_BLOCKING_MONITOR_H_
