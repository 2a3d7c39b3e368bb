// Channel<T>: a bounded queue between fibers, of any number of senders and receivers, on any
// shards. A full channel parks the sender: that is the backpressure.
//
//   weft::Channel<Event> events(64);
//   group.Spawn([&] { for (Event e : Source()) if (!events.Send(e).ok()) break; events.Close(); });
//   while (std::optional<Event> e = events.Receive()) Handle(*e);
//
// Capacity 0 is a rendezvous: the channel holds nothing, a sender parks until a receiver takes its
// value from it. When Send() has returned OK, the value is in a receiver's hands.
//
// Close(): later sends fail with FAILED_PRECONDITION; what was sent before is still received; then
// Receive() returns nullopt. Senders that are parked in a full channel when it closes fail too.
// Order: values leave in the order they entered; parked senders and receivers are served in the
// order they came. To wait for a channel among other things: Select (select.h).
#ifndef WEFT_PLATFORM_FIBER_CHANNEL_H_
#define WEFT_PLATFORM_FIBER_CHANNEL_H_

#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/ring_buffer.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

namespace internal {
template <typename T, typename Handler>
class ReceiveCase;
template <typename T, typename Handler>
class SendCase;
}  // namespace internal

// T is movable; its move runs under a lock: it does not throw (that ends the process) and does not
// use the channel.
template <typename T>
class Channel {
 public:
  // Up to `capacity` values wait in the channel; memory for them is taken as they come.
  explicit Channel(size_t capacity) : capacity_(capacity) {}
  ~Channel();  // Requires: nobody waits. Values that are left are destroyed.
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Parks while the channel is full (capacity 0: until a receiver takes the value). A cancel point
  // when it parks. Errors: FAILED_PRECONDITION when closed, DEADLINE_EXCEEDED, or the cancel
  // scope's status; `value` was not sent then. Requires: on a fiber (it crashes where it would
  // park elsewhere).
  absl::Status Send(T value, absl::Time deadline = absl::InfiniteFuture());

  // False when full (capacity 0: when no receiver waits) or closed. Never parks; also from plain
  // threads.
  bool TrySend(T value);

  // Parks while the channel is empty and open. A cancel point when it parks. nullopt: closed and
  // drained, or cancelled (tell them apart with ReceiveOr or the scope's status).
  std::optional<T> Receive() {
    std::optional<T> value;
    TakeOrPark(value, absl::InfiniteFuture()).IgnoreError();
    return value;
  }

  // As Receive(), with the reason: OUT_OF_RANGE when closed and drained, DEADLINE_EXCEEDED, or the
  // cancel scope's status.
  absl::StatusOr<T> ReceiveOr(absl::Time deadline = absl::InfiniteFuture()) {
    std::optional<T> value;
    if (absl::Status s = TakeOrPark(value, deadline); !s.ok()) return s;
    return *std::move(value);
  }

  // nullopt when there is nothing now. Never parks; also from plain threads.
  std::optional<T> TryReceive();

  // Idempotent. Never parks; also from plain threads.
  void Close();

  // Values that wait in the channel: never more than its capacity.
  size_t size() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return values_.size();
  }
  bool closed() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return closed_;
  }

 private:
  template <typename U, typename Handler>
  friend class internal::ReceiveCase;
  template <typename U, typename Handler>
  friend class internal::SendCase;

  // Who waits, and where its value lies or shall lie. Values pass from fiber to fiber directly, so
  // that nobody who came later can take them away.
  struct Sender : internal::WaitNode {
    Sender(internal::Waiter* waiter, T* place) : WaitNode(waiter), value(place) {}
    T* value;
    bool sent = false;  // still false after a wake: closed
  };
  struct Receiver : internal::WaitNode {
    Receiver(internal::Waiter* waiter, std::optional<T>* free_place)
        : WaitNode(waiter), place(free_place) {}
    std::optional<T>* place;  // still empty after a wake: closed
  };

  // Under lock_, and noexcept since a fiber that was claimed must be resumed.
  bool Give(T& value) noexcept;                 // Requires: open.
  bool Take(std::optional<T>& place) noexcept;  // Requires: `place` is empty.
  Sender* ClaimSender() { return static_cast<Sender*>(senders_.ClaimOne()); }
  Receiver* ClaimReceiver() { return static_cast<Receiver*>(receivers_.ClaimOne()); }

  absl::Status TakeOrPark(std::optional<T>& place, absl::Time deadline);
  static absl::Status ClosedToSenders() {
    return absl::FailedPreconditionError("the channel is closed");
  }
  static absl::Status Drained() {
    return absl::OutOfRangeError("the channel is closed and drained");
  }

  const size_t capacity_;
  mutable internal::SpinLock lock_;
  internal::RingBuffer<T> values_;  // empty while receivers wait; full while senders do
  bool closed_ = false;
  internal::WaitQueue senders_;
  internal::WaitQueue receivers_;
};

template <typename T>
Channel<T>::~Channel() {
  std::lock_guard<internal::SpinLock> hold(lock_);  // The last user may still be on its way out.
  Check(senders_.empty() && receivers_.empty(), "a Channel is destroyed while fibers wait in it");
}

// To the oldest receiver that waits, else into the queue; false when it is full.
template <typename T>
bool Channel<T>::Give(T& value) noexcept {
  if (Receiver* const receiver = ClaimReceiver()) {
    receiver->place->emplace(std::move(value));
    internal::WaitQueue::Resume(*receiver);
    return true;
  }
  if (values_.size() >= capacity_) return false;
  values_.push_back(std::move(value));
  return true;
}

// The oldest value, and into its place that of the oldest sender that waits. False when there is
// none.
template <typename T>
bool Channel<T>::Take(std::optional<T>& place) noexcept {
  const bool direct = values_.empty();
  if (!direct) place.emplace(values_.pop_front());
  if (Sender* const sender = ClaimSender()) {
    if (direct) {
      place.emplace(std::move(*sender->value));
    } else {
      values_.push_back(std::move(*sender->value));
    }
    sender->sent = true;
    internal::WaitQueue::Resume(*sender);
  }
  return place.has_value();
}

template <typename T>
absl::Status Channel<T>::Send(T value, absl::Time deadline) {
  lock_.lock();
  const bool closed = closed_;
  if (closed || Give(value)) {
    lock_.unlock();
    return closed ? ClosedToSenders() : absl::OkStatus();
  }
  internal::Waiter waiter({.kind = "channel send", .object = this});
  Sender self(&waiter, &value);
  senders_.Add(self);
  lock_.unlock();
  const internal::WakeReason reason = internal::Park(waiter, internal::ToDeadlineNanos(deadline));
  if (reason == internal::WakeReason::kNotified) {
    return self.sent ? absl::OkStatus() : ClosedToSenders();
  }
  lock_.lock();
  senders_.Remove(self);
  lock_.unlock();
  return internal::ParkStatus(reason, "sending to a full channel");
}

template <typename T>
bool Channel<T>::TrySend(T value) {
  std::lock_guard<internal::SpinLock> hold(lock_);
  return !closed_ && Give(value);
}

template <typename T>
absl::Status Channel<T>::TakeOrPark(std::optional<T>& place, absl::Time deadline) {
  lock_.lock();
  if (Take(place) || closed_) {
    lock_.unlock();
    return place.has_value() ? absl::OkStatus() : Drained();
  }
  internal::Waiter waiter({.kind = "channel receive", .object = this});
  Receiver self(&waiter, &place);
  receivers_.Add(self);
  lock_.unlock();
  const internal::WakeReason reason = internal::Park(waiter, internal::ToDeadlineNanos(deadline));
  if (reason == internal::WakeReason::kNotified) {
    return place.has_value() ? absl::OkStatus() : Drained();
  }
  lock_.lock();
  receivers_.Remove(self);
  lock_.unlock();
  return internal::ParkStatus(reason, "receiving from an empty channel");
}

template <typename T>
std::optional<T> Channel<T>::TryReceive() {
  std::optional<T> value;
  std::lock_guard<internal::SpinLock> hold(lock_);
  Take(value);
  return value;
}

template <typename T>
void Channel<T>::Close() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  closed_ = true;
  senders_.WakeAll();
  receivers_.WakeAll();
}

}  // namespace weft

#include "platform/fiber/internal/channel_case.h"

#endif  // WEFT_PLATFORM_FIBER_CHANNEL_H_
