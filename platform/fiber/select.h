// Select: waits for whichever comes first of several things, as Go's select and Tokio's select! do.
//
//   absl::StatusOr<size_t> fired = weft::Select(
//       Receive(orders, [&](std::optional<Order> order) { … }),   // nullopt: closed and drained
//       Send(replies, reply, [&](absl::Status sent) { … }),       // moved from `reply` if it fires
//       weft::After(absl::Seconds(1), [&] { … }));
//
// Exactly one case fires: what it stands for is done (a value received, or sent), and then its
// handler runs on the calling fiber, which may park in it. Of the other cases nothing is done:
// no value is taken from their channels, and theirs are not sent.
//
// Cases, each with a handler for its result (left out: none):
//   Receive(Channel<T>&, (std::optional<T>))                     channel.h
//   Send(Channel<T>&, T&, (absl::Status))                        channel.h
//   Receive(BroadcastReceiver<T>&, (absl::StatusOr<T>))          broadcast_channel.h
//   Changed(WatchReceiver<T>&, (absl::StatusOr<std::shared_ptr<const T>>))   watch_channel.h
//   Wait(Event&, ())                                             event.h
//   Get(Future<T>&, (Future<T>::Result))                         future.h
//   After(absl::Duration, ()), At(absl::Time, ())                here
// What is closed is ready, with the result that says so.
//
// Fairness: of several cases that are ready the first one from a place drawn by chance on fires, so
// that none is starved by another. The numbers come from the shard, seeded as its run queue is:
// a test on one shard with a simulated clock chooses the same way again, each shuffle seed another.
// A Select that waits stands in each queue in the order of its arrival, like everybody else.
//
// Cost: without a heap allocation; all cases are locked together for a moment, so a Select is made
// for a handful of them, not for hundreds. The types' moves run under those locks: they must not
// use a channel themselves.
#ifndef WEFT_PLATFORM_FIBER_SELECT_H_
#define WEFT_PLATFORM_FIBER_SELECT_H_

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/select_case.h"
#include "platform/fiber/internal/waiter.h"

namespace weft {

// Parks until a case is ready; returns its place among the arguments, after its handler has run. A
// cancel point when it parks. Errors: the cancel scope's status; no case has fired then. Requires:
// on a fiber; whatever is waited for outlives the call.
absl::StatusOr<size_t> Select(absl::Span<SelectCase* const> cases);

// Fires a case that is ready now; nullopt when there is none. Never parks (but its handler may);
// also from plain threads, where At() and After() mean real time.
std::optional<size_t> TrySelect(absl::Span<SelectCase* const> cases);

// The same for a list of cases that the compiler knows.
template <typename... Cases>
requires(sizeof...(Cases) > 0 && (std::is_base_of_v<SelectCase, std::decay_t<Cases>> &&
                                  ...)) absl::StatusOr<size_t> Select(Cases&&... cases) {
  SelectCase* const list[] = {&cases...};
  return Select(absl::MakeConstSpan(list));
}
template <typename... Cases>
requires(sizeof...(Cases) > 0 && (std::is_base_of_v<SelectCase, std::decay_t<Cases>> &&
                                  ...)) std::optional<size_t> TrySelect(Cases&&... cases) {
  SelectCase* const list[] = {&cases...};
  return TrySelect(absl::MakeConstSpan(list));
}

namespace internal {

template <typename Handler>
class TimerCase final : public SelectCase {
 public:
  TimerCase(int64_t deadline_nanos, Handler handler)
      : deadline_nanos_(deadline_nanos), handler_(std::move(handler)) {}

 private:
  int64_t deadline_nanos() const override { return deadline_nanos_; }
  void Handle() override { handler_(); }

  int64_t deadline_nanos_;
  Handler handler_;
};

}  // namespace internal

// Ready from `time` (weft::Now() scale) on.
template <typename Handler = internal::NoHandler>
auto At(absl::Time time, Handler handler = {}) {
  return internal::TimerCase<Handler>(internal::ToDeadlineNanos(time), std::move(handler));
}

// Ready once `duration` has passed since this call; at once when it is not positive.
template <typename Handler = internal::NoHandler>
auto After(absl::Duration duration, Handler handler = {}) {
  return At(Now() + duration, std::move(handler));
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_SELECT_H_
