// Channel<T>: a bounded queue between fibers, of any number of senders and receivers, on any
// shards. A full channel parks the sender: that is the backpressure.
//
//   weft::Channel<Event> events(64);
//   group.Spawn([&] { for (Event e : Source()) if (!events.Send(e).ok()) break; events.Close(); });
//   while (std::optional<Event> e = events.Receive()) Handle(*e);
//
// Close(): later sends fail with FAILED_PRECONDITION; what was sent before is still received; then
// Receive() returns nullopt. Senders that are parked in a full channel when it closes fail too.
// Order: values leave in the order they entered; parked senders and receivers are served in the
// order they came.
#ifndef WEFT_PLATFORM_FIBER_CHANNEL_H_
#define WEFT_PLATFORM_FIBER_CHANNEL_H_

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

// T is movable.
template <typename T>
class Channel {
 public:
  // Requires: capacity ≥ 1.
  explicit Channel(size_t capacity) : capacity_(capacity < 1 ? 1 : capacity) {}
  ~Channel();  // Requires: nobody waits. Values that are left are destroyed.
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Parks while the channel is full. A cancel point. Errors: FAILED_PRECONDITION when closed,
  // DEADLINE_EXCEEDED, or the cancel scope's status; `value` was not sent then.
  absl::Status Send(T value, absl::Time deadline = absl::InfiniteFuture());

  // False when full or closed. Never parks; also from plain threads.
  bool TrySend(T value);

  // Parks while the channel is empty and open. A cancel point. nullopt: closed and drained,
  // or cancelled (tell them apart with ReceiveOr or the scope's status).
  std::optional<T> Receive() {
    absl::StatusOr<T> value = ReceiveOr();
    if (!value.ok()) return std::nullopt;
    return *std::move(value);
  }

  // As Receive(), with the reason: OUT_OF_RANGE when closed and drained, DEADLINE_EXCEEDED, or the
  // cancel scope's status.
  absl::StatusOr<T> ReceiveOr(absl::Time deadline = absl::InfiniteFuture());

  // nullopt when there is nothing now. Never parks; also from plain threads.
  std::optional<T> TryReceive();

  // Idempotent. Never parks; also from plain threads.
  void Close();

  size_t size() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return values_.size();
  }
  bool closed() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return closed_;
  }

 private:
  // A parked sender with its value, or a parked receiver with a place for one: values pass from
  // fiber to fiber directly, so that nobody who came later can take them away. On the fiber's
  // stack.
  struct Party : internal::Waiter {
    using Waiter::Waiter;
    std::optional<T> value;
  };

  // All under lock_.
  bool GiveToReceiver(T& value);
  void TakeFromSender();
  static Party* TakeOut(internal::WaitQueue& queue);

  const size_t capacity_;
  mutable internal::SpinLock lock_;
  std::deque<T> values_;  // empty while receivers wait; full while senders do
  bool closed_ = false;
  internal::WaitQueue senders_;
  internal::WaitQueue receivers_;
};

template <typename T>
Channel<T>::~Channel() {
  std::lock_guard<internal::SpinLock> hold(lock_);  // The last user may still be on its way out.
  Check(senders_.empty() && receivers_.empty(), "a Channel is destroyed while fibers wait in it");
}

template <typename T>
typename Channel<T>::Party* Channel<T>::TakeOut(internal::WaitQueue& queue) {
  auto* const party = static_cast<Party*>(queue.front());
  if (party != nullptr) queue.Remove(*party);
  return party;
}

// Gives `value` to the oldest receiver that still waits. The value is in its place before the wake,
// since the receiver may run at once; a receiver that had given up before cannot leave while lock_
// is held, so that the value can be taken back.
template <typename T>
bool Channel<T>::GiveToReceiver(T& value) {
  while (Party* const receiver = TakeOut(receivers_)) {
    receiver->value.emplace(std::move(value));
    if (internal::Wake(*receiver)) return true;
    value = *std::move(receiver->value);
  }
  return false;
}

// Moves the value of the oldest sender that still waits into the queue.
template <typename T>
void Channel<T>::TakeFromSender() {
  while (Party* const sender = TakeOut(senders_)) {
    values_.push_back(*std::move(sender->value));
    sender->value.reset();
    if (internal::Wake(*sender)) return;
    values_.pop_back();  // It gave up before: its value was not sent.
  }
}

template <typename T>
absl::Status Channel<T>::Send(T value, absl::Time deadline) {
  Party self({.kind = "channel send", .object = this});
  {
    std::lock_guard<internal::SpinLock> hold(lock_);
    if (closed_) return absl::FailedPreconditionError("the channel is closed");
    if (GiveToReceiver(value)) return absl::OkStatus();
    if (values_.size() < capacity_) {
      values_.push_back(std::move(value));
      return absl::OkStatus();
    }
    self.value.emplace(std::move(value));
    senders_.Add(self);
  }
  const internal::WakeReason reason = internal::Park(self, internal::ToDeadlineNanos(deadline));
  if (reason != internal::WakeReason::kNotified) {
    std::lock_guard<internal::SpinLock> hold(lock_);
    senders_.Remove(self);
    return internal::ParkStatus(reason, "sending to a full channel");
  }
  if (self.value.has_value()) return absl::FailedPreconditionError("the channel is closed");
  return absl::OkStatus();
}

template <typename T>
bool Channel<T>::TrySend(T value) {
  std::lock_guard<internal::SpinLock> hold(lock_);
  if (closed_) return false;
  if (GiveToReceiver(value)) return true;
  if (values_.size() >= capacity_) return false;
  values_.push_back(std::move(value));
  return true;
}

template <typename T>
absl::StatusOr<T> Channel<T>::ReceiveOr(absl::Time deadline) {
  Party self({.kind = "channel receive", .object = this});
  {
    std::lock_guard<internal::SpinLock> hold(lock_);
    if (!values_.empty()) {
      absl::StatusOr<T> value(std::move(values_.front()));
      values_.pop_front();
      TakeFromSender();
      return value;
    }
    if (closed_) return absl::OutOfRangeError("the channel is closed and drained");
    receivers_.Add(self);
  }
  const internal::WakeReason reason = internal::Park(self, internal::ToDeadlineNanos(deadline));
  if (reason != internal::WakeReason::kNotified) {
    std::lock_guard<internal::SpinLock> hold(lock_);
    receivers_.Remove(self);
    return internal::ParkStatus(reason, "receiving from an empty channel");
  }
  if (!self.value.has_value()) return absl::OutOfRangeError("the channel is closed and drained");
  return *std::move(self.value);
}

template <typename T>
std::optional<T> Channel<T>::TryReceive() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  if (values_.empty()) return std::nullopt;
  std::optional<T> value(std::move(values_.front()));
  values_.pop_front();
  TakeFromSender();
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

#endif  // WEFT_PLATFORM_FIBER_CHANNEL_H_
