// The cases of a Select that receive from a channel and send to one. Included by channel.h.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_CHANNEL_CASE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_CHANNEL_CASE_H_

#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/internal/select_case.h"

namespace weft {
namespace internal {

template <typename T, typename Handler>
class ReceiveCase final : public SelectCase {
 public:
  ReceiveCase(Channel<T>* channel, Handler handler)
      : channel_(channel), handler_(std::move(handler)) {}
  ReceiveCase(ReceiveCase&& other) noexcept
      : channel_(other.channel_), handler_(std::move(other.handler_)) {}

 private:
  SpinLock* lock() override { return &channel_->lock_; }
  bool TryFire() override { return channel_->Take(place_) || channel_->closed_; }
  void Arm(Waiter& waiter) override {
    node_.waiter = &waiter;
    node_.granted = false;
    channel_->receivers_.Add(node_);
  }
  bool Disarm() override {
    channel_->receivers_.Remove(node_);
    return node_.granted;
  }
  void Handle() override { handler_(std::exchange(place_, std::nullopt)); }

  Channel<T>* const channel_;
  Handler handler_;
  std::optional<T> place_;
  typename Channel<T>::Receiver node_{nullptr, &place_};
};

template <typename T, typename Handler>
class SendCase final : public SelectCase {
 public:
  SendCase(Channel<T>* channel, T* value, Handler handler)
      : channel_(channel), value_(value), handler_(std::move(handler)) {}
  SendCase(SendCase&& other) noexcept
      : channel_(other.channel_), value_(other.value_), handler_(std::move(other.handler_)) {}

 private:
  SpinLock* lock() override { return &channel_->lock_; }
  bool TryFire() override {
    node_.sent = !channel_->closed_ && channel_->Give(*value_);
    return node_.sent || channel_->closed_;
  }
  void Arm(Waiter& waiter) override {
    node_.waiter = &waiter;
    node_.granted = false;
    channel_->senders_.Add(node_);
  }
  bool Disarm() override {
    channel_->senders_.Remove(node_);
    return node_.granted;
  }
  void Handle() override {
    handler_(node_.sent ? absl::OkStatus() : Channel<T>::ClosedToSenders());
  }

  Channel<T>* const channel_;
  T* const value_;
  Handler handler_;
  typename Channel<T>::Sender node_{nullptr, value_};
};

}  // namespace internal

// Ready when there is a value, or when the channel is closed and drained: nullopt then.
template <typename T, typename Handler = internal::NoHandler>
auto Receive(Channel<T>& channel, Handler handler = {}) {
  return internal::ReceiveCase<T, Handler>(&channel, std::move(handler));
}

// Ready when the channel has room (capacity 0: when a receiver waits), or is closed: the handler
// then gets FAILED_PRECONDITION. `value` is moved from only when it was sent, and outlives the
// Select; a temporary in the Select's own arguments does.
template <typename T, typename Handler = internal::NoHandler>
auto Send(Channel<T>& channel, std::type_identity_t<T>& value, Handler handler = {}) {
  return internal::SendCase<T, Handler>(&channel, &value, std::move(handler));
}
template <typename T, typename Handler = internal::NoHandler>
auto Send(Channel<T>& channel, std::type_identity_t<T>&& value, Handler handler = {}) {
  return internal::SendCase<T, Handler>(&channel, &value, std::move(handler));
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_CHANNEL_CASE_H_
