#include "platform/fiber/internal/debugger_view.h"

#include <cstddef>
#include <mutex>
#include <type_traits>

#include "platform/fiber/internal/fiber_record.h"

namespace weft::internal {

// Read by gdb/weft_fibers.py, field by field in this order, all of eight bytes. Whoever changes
// their meaning counts up `version`, there too.
struct DebuggerView {
  uint64_t version = 1;
  DebuggedShard* shards = nullptr;
  // Where a boost::fibers::context keeps the stack pointer of a fiber that was left; saved_stack.cc
  // knows what lies there.
  int64_t continuation = -1;
  // Where a FiberRecord keeps what it knows.
  uint64_t all_next = offsetof(FiberRecord, all_next);
  uint64_t context = offsetof(FiberRecord, context);
  uint64_t body = offsetof(FiberRecord, body);
  uint64_t name = offsetof(FiberRecord, name);
  uint64_t parent_id = offsetof(FiberRecord, parent_id);
  uint64_t wait_kind = offsetof(FiberRecord, waits_for) + offsetof(WaitInfo, kind);
  uint64_t wait_object = offsetof(FiberRecord, waits_for) + offsetof(WaitInfo, object);
  uint64_t state = offsetof(FiberRecord, state);
  uint64_t has_stack = offsetof(FiberRecord, has_stack);
  uint64_t id = offsetof(FiberRecord, id);
  uint64_t spawned_nanos = offsetof(FiberRecord, spawned_nanos);
};
#ifndef __clang__  // It has offsetof for other types too, but calls fewer of them standard layout.
static_assert(std::is_standard_layout_v<FiberRecord> && std::is_standard_layout_v<WaitInfo>);
#endif

DebuggerView debugger_view;

namespace {

std::mutex view_mutex;  // of debugger_view

}  // namespace

void ShowToDebugger(DebuggedShard& shard, int64_t continuation_offset) {
  std::lock_guard<std::mutex> hold(view_mutex);
  debugger_view.continuation = continuation_offset;
  shard.next = debugger_view.shards;
  debugger_view.shards = &shard;
}

void HideFromDebugger(DebuggedShard& shard) {
  std::lock_guard<std::mutex> hold(view_mutex);
  DebuggedShard** link = &debugger_view.shards;
  while (*link != &shard) link = &(*link)->next;
  *link = shard.next;
}

}  // namespace weft::internal
