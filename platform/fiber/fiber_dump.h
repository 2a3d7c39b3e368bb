// The fiber dump: what Runtime::Fibers() tells, put in order for people. Pure functions over the
// list; run them on a thread that is no shard, since names of functions take long to find.
//
//   std::vector<FiberInfo> fibers = runtime.Fibers({.stacks = true});
//   Symbolizer symbolizer;
//   std::cerr << FormatFiberTree(fibers) << FormatStacks(GroupByStack(fibers, symbolizer));
#ifndef WEFT_PLATFORM_FIBER_FIBER_DUMP_H_
#define WEFT_PLATFORM_FIBER_FIBER_DUMP_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/fiber/fiber_info.h"
#include "platform/fiber/stack_trace.h"

namespace weft {

// What a reader wants to see. Empty fields let everything through.
struct FiberFilter {
  std::string name = {};   // a part of the name, as of "Storefront/GetItem"
  std::string state = {};  // "running", "ready" or "parked"
  absl::Duration min_age = absl::ZeroDuration();

  bool Matches(const FiberInfo& fiber) const;
};

// Fibers that stand at the same place, as Go's profile pages group goroutines. Pointers into the
// list that was grouped.
struct FiberStackGroup {
  std::vector<std::string> frames;  // innermost first; empty: no stack is known
  std::vector<const FiberInfo*> fibers;
};

// The largest group first; within a group the oldest fiber first.
std::vector<FiberStackGroup> GroupByStack(const std::vector<FiberInfo>& fibers,
                                          Symbolizer& symbolizer);

// Deadlocks: rings of fibers each of which waits for a lock that the next one holds, the last one
// for a lock of the first. Locks of several shards are found too, unless they change hands while
// the shards are asked one after the other: a ring that is there twice is one.
std::vector<std::vector<const FiberInfo*>> FindLockCycles(const std::vector<FiberInfo>& fibers);

// The fibers that wait for the same thing as `fiber`, in the order in which they came.
std::vector<const FiberInfo*> WaitersOf(uint64_t object_id, const std::vector<FiberInfo>& fibers);

// The order in which a reader meets them in the tree of task groups, and how deep each one stands.
struct FiberTreeRow {
  const FiberInfo* fiber = nullptr;
  int depth = 0;
};
// Roots first, the oldest first; children below their parent. A child whose parent is not in the
// list (filtered out, or ended a moment before) is a root.
std::vector<FiberTreeRow> ToTree(const std::vector<FiberInfo>& fibers);

// "fiber 7 'GetItem' (parked 1.2s on mutex, held by fiber 9, trace 4bf9…)": one line, without its
// end.
std::string DescribeFiber(const FiberInfo& fiber);

// Text for terminals and logs.
std::string FormatFiberTree(const std::vector<FiberInfo>& fibers);
std::string FormatStacks(const std::vector<FiberStackGroup>& groups);
// The ring in words, each fiber with its stack.
std::string FormatDeadlock(const std::vector<const FiberInfo*>& ring, Symbolizer& symbolizer);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_FIBER_DUMP_H_
