// Barrier: `count` parties meet at the end of each phase, and go on together into the next.
//
//   weft::Barrier barrier(workers, [&] { Swap(current, next); });     // once a phase
//   … each worker: for (…) { Compute(part); if (!barrier.ArriveAndWait().ok()) return; }
//
// When a party gives up (cancelled, or its deadline passed) while it waits, the barrier *breaks*:
// the parties that wait, and all that come later, get ABORTED, until Reset(). The other choice, to
// take the arrival back quietly, would leave the rest waiting for one who does not come; a party
// that gives up in a task group takes its siblings with it anyway. Java's CyclicBarrier and
// Python's threading.Barrier break too. A party that fails elsewhere calls Break().
//
// Of one phase, all parties get OK, or all get an error.
//
// Threads: ArriveAndWait() on fibers of any shard; the rest also from plain threads. What a party
// wrote before it arrived is visible to the completion function and to all parties after the phase.
#ifndef WEFT_PLATFORM_FIBER_BARRIER_H_
#define WEFT_PLATFORM_FIBER_BARRIER_H_

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

class Barrier {
 public:
  // `on_phase_complete` (may be empty) runs once a phase, on the fiber that arrived last, before
  // any party goes on. It may park. If it throws, the barrier breaks, and the exception goes on to
  // the caller of ArriveAndWait(). Requires: count ≥ 1.
  explicit Barrier(size_t count, absl::AnyInvocable<void()> on_phase_complete = {});
  ~Barrier();  // Requires: nobody is in ArriveAndWait().
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // Parks until `count` parties have arrived. The last one does not park. A cancel point when it
  // parks, until all have arrived: a party that is cancelled later, while the completion function
  // runs, waits for its end, as that may use what the party has; the next cancel point tells it.
  // Errors: DEADLINE_EXCEEDED or the cancel scope's status, by which the barrier is broken now;
  // ABORTED: somebody else broke it.
  // Requires: on a fiber; the parties are at most `count`.
  absl::Status ArriveAndWait(absl::Time deadline = absl::InfiniteFuture());

  // Breaks the barrier: for a party that will not come. Idempotent. A phase whose parties have all
  // arrived is not disturbed. Never parks.
  void Break();

  // Makes a new barrier of it: parties that wait get ABORTED, and the next arrival is the first of
  // a phase. Call it when all parties have seen that it is broken. Never parks.
  void Reset();

  bool broken() const;

 private:
  struct Party;
  // Why the phase was, or the next one will be, no good.
  enum class Breach : uint8_t { kNone, kGaveUp, kByHand, kThrew, kReset };

  absl::Status Complete(std::unique_lock<internal::SpinLock>& hold);
  absl::Status GiveUp(Party& self, internal::WakeReason reason);
  static absl::Status StatusOf(Breach breach);
  void LetGo(Breach breach);  // Under lock_.

  const size_t count_;
  absl::AnyInvocable<void()> on_phase_complete_;
  mutable internal::SpinLock lock_;
  size_t arrived_ = 0;       // in this phase
  bool completing_ = false;  // all have arrived; on_phase_complete_ runs
  Breach breach_ = Breach::kNone;
  internal::WaitQueue parties_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_BARRIER_H_
