// What code that runs on a fiber can do with time and with itself.
//
// A fiber is a thread of execution that costs a stack and no operating-system thread. It stays on
// the shard (thread) it was started on for life. Code on it is plain blocking code: calls that
// wait *park* the fiber, and the shard runs others meanwhile. Calls that block the *thread* (file
// I/O, std::mutex under contention, sleep) stop all fibers of the shard: send those to
// Blocking(), and long computations to Compute() (blocking.h).
#ifndef WEFT_PLATFORM_FIBER_FIBER_H_
#define WEFT_PLATFORM_FIBER_FIBER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft {

// True on a fiber of a Runtime. Any thread.
bool OnFiber();

// The number of the calling fiber, FiberInfo::id: what /debug/fibers calls it. 0 off fibers. Any
// thread.
uint64_t CurrentFiberId();

// The time on the clock of the runtime the caller runs in (the real clock elsewhere). Any thread.
absl::Time Now();

// Lets the other ready fibers of the shard run first, and events be handled. Parks (briefly); not a
// cancel point. Requires: on a fiber.
void Yield();

// Yield(), but only when the fiber has run for more than about 125 µs since it was last resumed;
// whether it did. For loops that compute for long: a call costs 28 instructions, one of which reads
// the cycle counter, so once a microsecond is free, and the shard's other fibers wait no longer
// than that. Where the clock of the runtime is simulated, and time stands still while fibers run,
// every 16th call on the shard yields, so that a test takes the same turns again. Not a cancel
// point: look for oneself, as in
//
//   for (const Row& row : rows) {
//     Add(row, &sum);
//     if (weft::YieldIfDue() && scope.cancelled()) return scope.status();
//   }
//
// What computes for many milliseconds is better off in Compute() (blocking.h). Requires: on a
// fiber.
bool YieldIfDue();

// Parks the fiber for `duration` (not at all when it is zero or negative). A cancel point: returns
// OK after the time, or the status of the cancel scope that ended the sleep early. A runtime that
// polls gRPC wakes up to 1 ms late: its queue rounds deadlines up to milliseconds.
// Call it qualified, `weft::SleepFor(…)`: an unqualified call is ambiguous with absl::SleepFor,
// which blocks the thread. Requires: on a fiber.
absl::Status SleepFor(absl::Duration duration);
absl::Status SleepUntil(absl::Time time);

// The name shown for the calling fiber in /debug/fibers. `name` must outlive the fiber (a literal,
// or a registered method's name). No-op off fibers.
void SetFiberName(const char* name);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_FIBER_H_
