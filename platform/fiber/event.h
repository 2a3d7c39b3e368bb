// Event: something has happened, until Reset() says otherwise ("manual reset", as asyncio's and
// Trio's Event). For "configuration is loaded", "the connection is up".
//
//   weft::Event connected;
//   … when it is up: connected.Set();   … when it breaks: connected.Reset();
//   if (absl::Status s = connected.Wait(deadline); !s.ok()) return s;
//
// Set() lets go all that wait at that moment, even when Reset() follows before they have run: after
// Wait() the event may be reset again. To pass on each single signal use a Channel; to wait for a
// state under a lock, a ConditionVariable.
//
// Threads: Wait() on fibers of any shard; the rest also from plain threads. What was written before
// Set() is visible after Wait(), and after IsSet() that returned true.
//
// Lifetime: a waiter that was let go may destroy the event at once, while Set() is still on its way
// out. Other fibers that wait must have returned first (join their task group).
#ifndef WEFT_PLATFORM_FIBER_EVENT_H_
#define WEFT_PLATFORM_FIBER_EVENT_H_

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/source.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

namespace internal {
struct EventSource;
}  // namespace internal

class Event {
 public:
  Event() = default;
  ~Event();  // Requires: nobody waits.
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Idempotent. Never parks.
  void Set();
  // Later Wait()s park until the next Set(). Idempotent. Never parks.
  void Reset();
  // Never parks; takes no lock.
  bool IsSet() const { return set_.load(std::memory_order_acquire); }

  // Parks until the event is set. A cancel point when it parks: OK at once when it is set, in a
  // cancelled scope too, and after `deadline`. Errors: DEADLINE_EXCEEDED, or the cancel scope's
  // status. Requires: on a fiber.
  absl::Status Wait(absl::Time deadline = absl::InfiniteFuture());

 private:
  friend struct internal::EventSource;
  internal::SpinLock lock_;
  std::atomic<bool> set_{false};  // written under lock_
  internal::WaitQueue waiters_;   // empty while set
};

namespace internal {

struct EventSource {
  struct Result {};
  SpinLock& lock() { return event->lock_; }
  bool Take(Result&) { return event->IsSet(); }
  void TakeGranted(Result&) {}  // Also when it has been reset since.
  void Add(WaitNode& node) { event->waiters_.Add(node); }
  void Remove(WaitNode& node) { event->waiters_.Remove(node); }
  Event* event;
};

}  // namespace internal

// As the case of a Select (select.h): ready when Wait() would not park.
template <typename Handler = internal::NoHandler>
auto Wait(Event& event, Handler handler = {}) {
  auto call = [handler = std::move(handler)](internal::EventSource::Result) mutable { handler(); };
  return internal::SourceCase(internal::EventSource{&event}, std::move(call));
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_EVENT_H_
