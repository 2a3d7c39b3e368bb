// FiberRecord: what a shard knows of one of its fibers. It lies at the top of the fiber's own stack
// page, next to the frames it describes, so that a parked fiber keeps few cache lines and pages.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_FIBER_RECORD_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_FIBER_RECORD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber_local.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/sanitizer_fiber.h"
#include "platform/fiber/internal/waiter.h"

namespace boost::fibers {
class context;
}  // namespace boost::fibers

namespace weft::internal {

class Shard;
struct FiberStacks;

enum class FiberState : uint8_t { kIdle, kReady, kRunning, kParked };

// All fields belong to the shard's thread, but for `remote_next`, which the wakers of other threads
// write, and `shard` and `stacks`, which never change.
struct FiberRecord {
  FiberRecord(Shard* owner, FiberStacks* own_stacks) : shard(owner), stacks(own_stacks) {}

  Shard* const shard;
  FiberStacks* const stacks;  // where its stack is from, and goes back to
  boost::fibers::context* context = nullptr;
  FiberRecord* ready_next = nullptr;  // run queue, or the pool of idle fibers
  FiberRecord* remote_next = nullptr;
  FiberRecord* all_next = nullptr;  // every fiber of the shard, for the dump
  FiberRecord* all_previous = nullptr;

  FiberBody* body = nullptr;  // null while idle
  CancelScope* scope = nullptr;
  std::unique_ptr<CancelScope> cancelled_by_hand;  // round its scopes, see shard_cancel.cc
  const char* name = "";
  uint64_t parent_id = 0;
  const void* group = nullptr;
  WaitInfo waits_for;
  FiberState state = FiberState::kIdle;
  bool first_park_pending = false;
  bool has_stack = false;              // it has run: there are registers to find its frames by
  int16_t blocking_calls_allowed = 0;  // AllowBlockingCalls that live
  int16_t locks_held = 0;              // of the thread; counted where BlockingMonitor is linked
  uint64_t id = 0;                     // a new one for each task
  int64_t spawned_nanos = 0;
  int64_t state_since_nanos = 0;
  std::unique_ptr<FiberLocalValue> locals[kMaxFiberLocals];

  SanitizerFiber sanitizer;
};

// What the record takes of its stack, at the top.
inline constexpr size_t kFiberRecordBytes = (sizeof(FiberRecord) + 63) / 64 * 64;

// The upper end of the fiber's stack.
inline char* StackTop(FiberRecord& fiber) {
  return reinterpret_cast<char*>(&fiber) + kFiberRecordBytes;
}

// The record of the calling fiber; null off fibers.
FiberRecord* CurrentFiber();

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_FIBER_RECORD_H_
