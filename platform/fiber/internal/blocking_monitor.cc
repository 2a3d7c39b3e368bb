#include "platform/fiber/internal/blocking_monitor.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/running_stack.h"
#include "platform/fiber/internal/saved_stack.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/stack_trace.h"

namespace weft::internal {
namespace {

// While a report is made: it may block, and the caller's errno is kept.
class Reporting {
 public:
  Reporting() = default;
  ~Reporting() { errno = saved_errno_; }
  Reporting(const Reporting&) = delete;
  Reporting& operator=(const Reporting&) = delete;

 private:
  const int saved_errno_ = errno;
  const AllowBlockingCalls allow_;
};

// Of all reports; leaked, as reports may come until the end of the process.
struct Told {
  absl::Mutex mutex;
  Symbolizer symbolizer ABSL_GUARDED_BY(mutex);
  // By addresses: functions without names of their own, such as lambdas, look alike.
  std::set<std::vector<uintptr_t>> stacks ABSL_GUARDED_BY(mutex);
};

Told& AllTold() {
  static auto* const told = new Told;
  return *told;
}

// A wait for a lock that is yet to be told.
struct LockWait {
  const char* function;
  int64_t nanos;
  std::vector<uintptr_t> stack;
};

// Of the fiber that this thread runs: they are told before it parks.
thread_local std::vector<LockWait> lock_waits;

constexpr absl::string_view kAbseil = "absl::";

bool IsInAbseil(absl::string_view name) {
  return absl::StartsWith(name, kAbseil) || absl::StartsWith(name, "__wrap_");
}

bool IsWaitOfAbseil(absl::string_view name) {
  static constexpr absl::string_view kWaits[] = {
      "::CondVar::Wait", "::Notification::Wait", "::BlockingCounter::Wait",
      "::Mutex::Await",  "::Mutex::LockWhen",    "::Mutex::ReaderLockWhen"};
  return std::any_of(std::begin(kWaits), std::end(kWaits),
                     [name](absl::string_view part) { return absl::StrContains(name, part); });
}

}  // namespace

const bool BlockingMonitor::hooked = [] {
  on_fiber_left.store(FiberLeft);
  return true;
}();

FiberRecord* BlockingMonitor::Watched() {
  FiberRecord* const fiber = CurrentFiber();
  return fiber != nullptr && fiber->blocking_calls_allowed == 0 ? fiber : nullptr;
}

void BlockingMonitor::CountLock() {
  if (FiberRecord* const fiber = CurrentFiber()) ++fiber->locks_held;
}

void BlockingMonitor::CountUnlock() {
  FiberRecord* const fiber = CurrentFiber();
  if (fiber == nullptr) return;
  // A lock that was taken elsewhere, or unseen, was not counted.
  if (fiber->locks_held > 0) --fiber->locks_held;
  // Not while a report is made, or in a signal handler (AllowBlockingCalls).
  if (fiber->locks_held == 0 && fiber->blocking_calls_allowed == 0) TellLockWaits(*fiber);
}

void BlockingMonitor::Blocks(FiberRecord& fiber, const char* function) {
  const Reporting reporting;
  Tell(fiber, OwnStack(), function, {.function = function});
}

bool BlockingMonitor::BlocksInAbseil(FiberRecord& fiber) {
  const Reporting reporting;
  const std::vector<uintptr_t> stack = OwnStack();
  const std::vector<std::string> names = Names(stack, kAbseil);
  // Abseil's functions call each other: the outermost says best what was waited for.
  auto wait = names.end();
  for (auto it = names.begin(); it != names.end() && IsInAbseil(*it); ++it) {
    if (IsWaitOfAbseil(*it)) wait = it;
  }
  if (wait == names.end()) return false;
  Tell(fiber, stack, *wait, {.function = *wait});
  return true;
}

void BlockingMonitor::WaitedForLock(const char* function, int64_t nanos) {
  if (nanos < kLongLockWaitNanos) return;
  const Reporting reporting;
  lock_waits.push_back({.function = function, .nanos = nanos, .stack = OwnStack()});
}

void BlockingMonitor::TellLockWaits(FiberRecord& fiber) {
  if (lock_waits.empty()) return;
  const Reporting reporting;
  for (const LockWait& wait : std::exchange(lock_waits, {})) {
    const absl::string_view first =
        absl::StartsWith(wait.function, kAbseil) ? kAbseil : wait.function;
    Tell(fiber, wait.stack, first,
         {.kind = BlockingCallKind::kWaitsForLock, .function = wait.function, .nanos = wait.nanos});
  }
}

void BlockingMonitor::FiberLeft(FiberRecord& fiber, bool ended) {
  TellLockWaits(fiber);  // Those of locks that were not counted.
  if (fiber.locks_held == 0) return;
  if (fiber.blocking_calls_allowed == 0) {
    const Reporting reporting;
    Tell(fiber, OwnStack(), "",
         {.kind = BlockingCallKind::kParksWithLock, .function = "park", .locks = fiber.locks_held});
  }
  if (ended) fiber.locks_held = 0;  // The next body on the stack has not locked it.
}

// Return addresses of the calling fiber.
std::vector<uintptr_t> BlockingMonitor::OwnStack() {
  std::vector<uintptr_t> stack(kMaxStackFrames);
  stack.resize(WalkOwnStack(stack.data(), stack.size()));
  return stack;
}

// From the function whose name begins so; without the scheduler's frames and those of this class.
std::vector<std::string> BlockingMonitor::Names(const std::vector<uintptr_t>& stack,
                                                absl::string_view first) {
  Told& told = AllTold();
  absl::MutexLock hold(&told.mutex);
  std::vector<std::string> names = told.symbolizer.FiberStack(stack);
  const auto begin = std::find_if(names.begin(), names.end(), [first](const std::string& name) {
    return absl::StartsWith(name, first);
  });
  if (begin != names.end()) names.erase(names.begin(), begin);
  return names;
}

// Whether no call with this stack was told before.
bool BlockingMonitor::IsNew(const std::vector<uintptr_t>& stack) {
  Told& told = AllTold();
  absl::MutexLock hold(&told.mutex);
  return told.stacks.size() < kMaxStacksTold && told.stacks.insert(stack).second;
}

// `first` begins the name of the innermost function that is worth telling.
void BlockingMonitor::Tell(FiberRecord& fiber, const std::vector<uintptr_t>& stack,
                           absl::string_view first, BlockingCall call) {
  static auto* const nobody = new RuntimeObserver;
  Shard& shard = *fiber.shard;
  RuntimeObserver* const observer = shard.observer() != nullptr ? shard.observer() : nobody;
  const FiberLocals locals(fiber.locals);
  const BlockingCallHandler instead = handler.load();
  call.shard = shard.index();
  call.fiber_id = fiber.id;
  call.fiber_name = fiber.name;
  char text[Shard::kMaxDescription] = "";
  if (observer->DescribeFiber(locals, text, sizeof(text))) call.trace_id = text;
  call.repeated = instead == nullptr && !IsNew(stack);
  if (!call.repeated) call.stack = Names(stack, first);
  if (instead != nullptr) {
    instead(call);
  } else {
    observer->OnBlockingCall(locals, call);
  }
}

}  // namespace weft::internal
