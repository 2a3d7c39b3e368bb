// DebuggerView: what a debugger finds fibers by, in a running process or in a core.
// gdb/weft_fibers.py reads it by the name of its symbol; it needs no debug information, as offsets
// are told here.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_DEBUGGER_VIEW_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_DEBUGGER_VIEW_H_

#include <cstdint>

namespace weft::internal {

struct FiberRecord;

// A shard; all fields are eight bytes.
struct DebuggedShard {
  DebuggedShard* next = nullptr;
  int64_t index = 0;
  int64_t thread_id = 0;  // as the kernel counts
  const char* runtime_name = nullptr;
  FiberRecord* const* all = nullptr;
  FiberRecord* const* current = nullptr;
  const int64_t* loop_nanos = nullptr;
};

// The shard's thread, when it starts; and any thread, once that one has ended.
void ShowToDebugger(DebuggedShard& shard, int64_t continuation_offset);
void HideFromDebugger(DebuggedShard& shard);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_DEBUGGER_VIEW_H_
