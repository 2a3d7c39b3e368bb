// FiberInfo: one fiber, as a look inside a running process shows it (Runtime::Fibers). What the
// fiber dump, the deadlock report and the tests' leak check are made of.
#ifndef WEFT_PLATFORM_FIBER_FIBER_INFO_H_
#define WEFT_PLATFORM_FIBER_FIBER_INFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace weft {

// Times are ages in nanoseconds on the runtime's clock; they are as exact as the shard's loop time,
// which is read once a turn.
struct FiberInfo {
  uint64_t id = 0;  // of the task that runs on the fiber; never given twice in a runtime
  int shard = 0;
  std::string state = {};      // "running", "ready" or "parked"
  std::string name = {};       // what was spawned: a method's name for a call
  std::string waits_for = {};  // empty unless parked: "sleep", "mutex", "rpc reply", …
  int64_t age_nanos = 0;       // since it was spawned
  int64_t state_nanos = 0;     // since it entered its state
  int64_t deadline_left_nanos = INT64_MAX;  // of its innermost cancel scope; INT64_MAX: none
  std::string cancelled =
      {};  // the cause of its innermost scope's cancellation; empty: not cancelled

  // The tree: the fiber that owns the task group it was spawned in, and that group. 0: a root.
  uint64_t parent_id = 0;
  uint64_t group_id = 0;

  // What it waits for: an identity (equal for all that wait for the same thing; 0: nothing that
  // others could wait for too), and for locks the fiber that holds it (0: nobody, or no lock).
  uint64_t object_id = 0;
  uint64_t owner_id = 0;

  std::string trace_id = {};  // from RuntimeObserver::DescribeFiber; empty: none
  // Return addresses, innermost first, without the scheduler's own frames. Only where
  // FiberQuery::stacks asked for them. See stack_trace.h for their names.
  std::vector<uintptr_t> stack = {};
};

// What Runtime::Fibers() is asked for.
struct FiberQuery {
  // How long the calling thread waits for a shard that does not return to its loop.
  absl::Duration timeout = absl::InfiniteDuration();
  // Walks the stacks of parked and ready fibers: some 10 µs each, on their own shard.
  bool stacks = false;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_FIBER_INFO_H_
