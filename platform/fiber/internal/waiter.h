// Waiter: one park of one fiber, and the race of those who may end it.
//
// A park can be ended by a notification, by a deadline, or by the cancellation of a scope; the
// first one wins (`Wake` returns true to it alone) and decides what Park returns. A Waiter lives on
// the parked fiber's stack. Whoever keeps a pointer to it does so under a lock, and the fiber takes
// it out again under that lock before it returns, so that a late waker never touches a dead Waiter.
//
// Memory order: what the winner wrote before Wake(), or Resume(), is visible to the fiber after
// Park().
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_WAITER_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_WAITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"

namespace weft::internal {

struct FiberRecord;

// What the dump says the fiber waits for. `kind` is a literal.
struct WaitInfo {
  const char* kind = "";
  const void* object = nullptr;  // what others may wait for too
  // For locks: the id of the fiber that holds `object`; 0: nobody. Called between fibers, while a
  // fiber waits for it.
  uint64_t (*owner)(const void* object) = nullptr;
};

// Waiter::timer_index of a park without an armed timer.
inline constexpr size_t kNotArmed = static_cast<size_t>(-1);

enum class WakeReason : uint8_t { kWaiting, kNotified, kDeadline, kCancelled };

struct Waiter;

// A place in a WaitQueue. A park for one thing has one, its Waiter; a Select has one for each of
// its cases, all of the same Waiter. Guarded by the lock of the queue's owner.
struct WaitNode {
  explicit WaitNode(Waiter* of) : waiter(of) {}
  WaitNode(const WaitNode&) = delete;
  WaitNode& operator=(const WaitNode&) = delete;

  Waiter* waiter;
  WaitNode* queue_next = nullptr;
  WaitNode* queue_previous = nullptr;
  bool queued = false;
  bool granted = false;  // the owner of this queue is who ended the park
};

struct Waiter : WaitNode {
  // Requires: on a fiber, the one that will park.
  explicit Waiter(const WaitInfo& info);

  FiberRecord* const fiber;
  const WaitInfo info;
  std::atomic<WakeReason> reason{WakeReason::kWaiting};

  // Links of the scope's list of parks, and the place in the timer heap: the shard's own.
  Waiter* scope_next = nullptr;
  Waiter* scope_previous = nullptr;
  size_t timer_index = kNotArmed;
};

// Parks the calling fiber until somebody wins the race for `waiter`. Returns at once when that has
// happened already. A cancel point: ends with kCancelled when the fiber's scope is, or becomes,
// cancelled or overdue; the caller then gets the status from ParkStatus().
// `deadline_nanos` is on the monotonic scale of the runtime's clock.
WakeReason Park(Waiter& waiter, int64_t deadline_nanos = kNeverNanos);

// The same, deaf to cancellation: for waits whose end is certain and must be seen.
WakeReason ParkUncancellable(Waiter& waiter, int64_t deadline_nanos = kNeverNanos);

// Ends the park; true for the one that does. Any thread, also before the fiber has parked. After
// it returned true, `waiter` must not be touched.
bool Wake(Waiter& waiter, WakeReason reason = WakeReason::kNotified);

// Wake() in two steps, for those who have something to hand over in between: Claim() wins the race,
// true for one; the fiber stays where it is until the winner calls Resume(), soon and surely.
inline bool Claim(Waiter& waiter, WakeReason reason = WakeReason::kNotified) {
  WakeReason expected = WakeReason::kWaiting;
  return waiter.reason.compare_exchange_strong(expected, reason, std::memory_order_acq_rel);
}
void Resume(FiberRecord& fiber);

// The status for a park that was not notified: the scope's for kCancelled; for kDeadline
// DEADLINE_EXCEEDED "the deadline passed while <doing>".
absl::Status ParkStatus(WakeReason reason, absl::string_view doing);

// `deadline` on the calling fiber's clock. absl::InfiniteFuture() costs nothing.
int64_t ToDeadlineNanos(absl::Time deadline);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_WAITER_H_
