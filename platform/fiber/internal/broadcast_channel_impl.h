// The bodies of broadcast_channel.h, and only for it.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_BROADCAST_CHANNEL_IMPL_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_BROADCAST_CHANNEL_IMPL_H_

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/fiber/broadcast_channel.h"

namespace weft {

namespace internal {

template <typename T>
struct BroadcastSource {
  using Result = absl::StatusOr<T>;
  SpinLock& lock() { return receiver->channel_->lock_; }
  bool Take(Result& result) { return receiver->Take(result); }
  void TakeGranted(Result& result) {
    Check(Take(result), "a value for a BroadcastReceiver was seen by somebody else");
  }
  void Add(WaitNode& node) {
    Check(!std::exchange(receiver->waiting_, true), "a Select waits twice for one receiver");
    receiver->channel_->waiting_receivers_.Add(node);
  }
  void Remove(WaitNode& node) {
    receiver->waiting_ = false;
    receiver->channel_->waiting_receivers_.Remove(node);
  }
  BroadcastReceiver<T>* receiver;
};

}  // namespace internal

// --- Under the lock --------------------------------------------------------------------------

// Requires: !MustWait(). What has to go in exchange is the caller's to destroy, after unlocking.
template <typename T>
void BroadcastChannel<T>::Publish(T& value, std::optional<Kept>& dropped) noexcept {
  if (receivers_ == 0) return;
  if (kept_.size() >= capacity_) {
    dropped.emplace(kept_.pop_front());
    ++first_;
  }
  kept_.push_back({std::move(value), receivers_});
  waiting_receivers_.WakeAll();
}

template <typename T>
void BroadcastChannel<T>::AdmitSenders() noexcept {
  std::optional<Kept> nothing;
  while (!MustWait()) {
    auto* const sender = static_cast<Sender*>(senders_.ClaimOne());
    if (sender == nullptr) return;
    Publish(*sender->value, nothing);
    sender->sent = true;
    internal::WaitQueue::Resume(*sender);
  }
}

template <typename T>
bool BroadcastReceiver<T>::Take(absl::StatusOr<T>& result) noexcept {
  Check(!waiting_, "a BroadcastReceiver is used while a fiber waits in it: give each its own");
  BroadcastChannel<T>& channel = *channel_;
  if (next_ < channel.first_) {
    const uint64_t missed = channel.first_ - std::exchange(next_, channel.first_);
    missed_ += missed;
    result = absl::DataLossError(
        absl::StrCat("the receiver was too slow for the broadcast channel and missed ", missed,
                     missed == 1 ? " value" : " values"));
    return true;
  }
  const size_t index = next_ - channel.first_;
  if (index == channel.kept_.size()) {
    if (channel.closed_) result = absl::OutOfRangeError("the broadcast channel is closed");
    return channel.closed_;
  }
  ++next_;
  auto& kept = channel.kept_[index];
  if (--kept.unseen_by > 0) {
    result.emplace(kept.value);
    return true;
  }
  // The last one to see it has seen those before it: it is the first.
  result.emplace(std::move(kept.value));
  (void)channel.kept_.pop_front();
  ++channel.first_;
  channel.AdmitSenders();
  return true;
}

// --- The channel -----------------------------------------------------------------------------

template <typename T>
BroadcastChannel<T>::~BroadcastChannel() {
  std::lock_guard<internal::SpinLock> hold(lock_);  // The last user may still be on its way out.
  Check(receivers_ == 0, "a BroadcastChannel is destroyed before its receivers");
  Check(senders_.empty(), "a BroadcastChannel is destroyed while fibers send to it");
}

template <typename T>
BroadcastReceiver<T> BroadcastChannel<T>::Subscribe() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  ++receivers_;
  return BroadcastReceiver<T>(this, first_ + kept_.size());
}

template <typename T>
absl::Status BroadcastChannel<T>::Send(T value, absl::Time deadline) {
  std::optional<Kept> dropped;  // Outlives the lock.
  std::unique_lock<internal::SpinLock> hold(lock_);
  if (closed_) return ClosedToSenders();
  if (!MustWait()) {
    Publish(value, dropped);
    return absl::OkStatus();
  }
  internal::Waiter waiter({.kind = "broadcast send", .object = this});
  Sender self(&waiter, &value);
  senders_.Add(self);
  hold.unlock();
  const internal::WakeReason reason = internal::Park(waiter, internal::ToDeadlineNanos(deadline));
  if (reason != internal::WakeReason::kNotified) {
    hold.lock();
    senders_.Remove(self);
    hold.unlock();
    return internal::ParkStatus(reason, "sending to a full broadcast channel");
  }
  return self.sent ? absl::OkStatus() : ClosedToSenders();
}

template <typename T>
bool BroadcastChannel<T>::TrySend(T value) {
  std::optional<Kept> dropped;  // Outlives the lock.
  std::lock_guard<internal::SpinLock> hold(lock_);
  if (closed_ || MustWait()) return false;
  Publish(value, dropped);
  return true;
}

template <typename T>
void BroadcastChannel<T>::Close() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  closed_ = true;
  senders_.WakeAll();
  waiting_receivers_.WakeAll();
}

// --- The receiver ----------------------------------------------------------------------------

template <typename T>
BroadcastReceiver<T>::~BroadcastReceiver() {
  if (channel_ == nullptr) return;
  BroadcastChannel<T>& channel = *channel_;
  internal::RingBuffer<typename BroadcastChannel<T>::Kept> seen;  // Outlives the lock.
  std::lock_guard<internal::SpinLock> hold(channel.lock_);
  Check(!waiting_, "a BroadcastReceiver is destroyed while a fiber waits in it");
  --channel.receivers_;
  for (uint64_t number = std::max(next_, channel.first_);
       number < channel.first_ + channel.kept_.size(); ++number) {
    --channel.kept_[number - channel.first_].unseen_by;
  }
  while (!channel.kept_.empty() && channel.kept_.front().unseen_by == 0) {
    seen.push_back(channel.kept_.pop_front());
    ++channel.first_;
  }
  channel.AdmitSenders();
}

template <typename T>
absl::StatusOr<T> BroadcastReceiver<T>::ReceiveOr(absl::Time deadline) {
  absl::StatusOr<T> result;
  const absl::Status taken = internal::TakeOrPark(
      internal::BroadcastSource<T>{this}, result, deadline,
      {.kind = "broadcast receive", .object = channel_}, "receiving from a broadcast channel");
  if (!taken.ok()) return taken;
  return result;
}

template <typename T>
std::optional<T> BroadcastReceiver<T>::Receive() {
  absl::StatusOr<T> result = ReceiveOr();
  while (absl::IsDataLoss(result.status())) result = ReceiveOr();
  if (!result.ok()) return std::nullopt;
  return *std::move(result);
}

template <typename T>
std::optional<T> BroadcastReceiver<T>::TryReceive() {
  absl::StatusOr<T> result;
  do {
    if (!internal::TryTake(internal::BroadcastSource<T>{this}, result)) return std::nullopt;
  } while (absl::IsDataLoss(result.status()));
  if (!result.ok()) return std::nullopt;
  return *std::move(result);
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_BROADCAST_CHANNEL_IMPL_H_
