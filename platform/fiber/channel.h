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
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

template <typename T>
class Channel {
 public:
  // Requires: capacity ≥ 1.
  explicit Channel(size_t capacity) : capacity_(capacity < 1 ? 1 : capacity) {}
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
  const size_t capacity_;
  mutable internal::SpinLock lock_;
  std::deque<T> values_;
  bool closed_ = false;
  internal::WaitQueue senders_;
  internal::WaitQueue receivers_;
};

template <typename T>
absl::Status Channel<T>::Send(T value, absl::Time deadline) {
  const int64_t deadline_nanos = internal::ToDeadlineNanos(deadline);
  for (;;) {
    internal::Waiter waiter({.kind = "channel send", .object = this});
    {
      std::lock_guard<internal::SpinLock> hold(lock_);
      if (closed_) return absl::FailedPreconditionError("the channel is closed");
      if (values_.size() < capacity_) {
        values_.push_back(std::move(value));
        receivers_.WakeOne();
        return absl::OkStatus();
      }
      senders_.Add(waiter);
    }
    const internal::WakeReason reason = internal::Park(waiter, deadline_nanos);
    if (reason == internal::WakeReason::kNotified) continue;
    std::lock_guard<internal::SpinLock> hold(lock_);
    senders_.Remove(waiter);
    return internal::ParkStatus(reason, "sending to a full channel");
  }
}

template <typename T>
bool Channel<T>::TrySend(T value) {
  std::lock_guard<internal::SpinLock> hold(lock_);
  if (closed_ || values_.size() >= capacity_) return false;
  values_.push_back(std::move(value));
  receivers_.WakeOne();
  return true;
}

template <typename T>
absl::StatusOr<T> Channel<T>::ReceiveOr(absl::Time deadline) {
  const int64_t deadline_nanos = internal::ToDeadlineNanos(deadline);
  for (;;) {
    internal::Waiter waiter({.kind = "channel receive", .object = this});
    {
      std::lock_guard<internal::SpinLock> hold(lock_);
      if (!values_.empty()) {
        T value = std::move(values_.front());
        values_.pop_front();
        senders_.WakeOne();
        return value;
      }
      if (closed_) return absl::OutOfRangeError("the channel is closed and drained");
      receivers_.Add(waiter);
    }
    const internal::WakeReason reason = internal::Park(waiter, deadline_nanos);
    if (reason == internal::WakeReason::kNotified) continue;
    std::lock_guard<internal::SpinLock> hold(lock_);
    receivers_.Remove(waiter);
    return internal::ParkStatus(reason, "receiving from an empty channel");
  }
}

template <typename T>
std::optional<T> Channel<T>::TryReceive() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  if (values_.empty()) return std::nullopt;
  T value = std::move(values_.front());
  values_.pop_front();
  senders_.WakeOne();
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
