// WatchChannel<T>: a value that changes, of which everybody wants the latest: configuration, a
// list of backends, a state. Receivers may miss versions in between, never the last one.
//
//   weft::WatchChannel<Limits> limits(ReadLimits());
//   group.Spawn([watch = limits.Subscribe()]() mutable {
//     while (absl::StatusOr<std::shared_ptr<const Limits>> now = watch.Changed(); now.ok()) {
//       Apply(**now);
//     }
//   });
//   limits.Set(ReadLimits()).IgnoreError();
//   Use(limits.Get()->timeout);
//
// Values are shared, as std::shared_ptr<const T>: what somebody got stays as it is and alive,
// however long it is used and whatever is set meanwhile.
//
// Close(): later sets fail; Get() still gives the last value; Changed() gives it to those who have
// not seen it, then the end.
#ifndef WEFT_PLATFORM_FIBER_WATCH_CHANNEL_H_
#define WEFT_PLATFORM_FIBER_WATCH_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/source.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

template <typename T>
class WatchReceiver;

namespace internal {
template <typename T>
struct WatchSource;
}  // namespace internal

// None of its calls parks; all may come from any thread.
template <typename T>
class WatchChannel {
 public:
  using Value = std::shared_ptr<const T>;

  explicit WatchChannel(T initial) : value_(std::make_shared<const T>(std::move(initial))) {}
  ~WatchChannel();  // Requires: its receivers are gone.
  WatchChannel(const WatchChannel&) = delete;
  WatchChannel& operator=(const WatchChannel&) = delete;

  // Replaces the value, also by an equal one, and wakes the receivers that wait.
  // FAILED_PRECONDITION when closed.
  absl::Status Set(T value);

  // Calls `change(T&)` on a copy of the value and sets that. Starts again when somebody else has
  // set the value meanwhile, so that no change is lost: `change` may be called several times, and
  // should do nothing else. It runs without a lock. FAILED_PRECONDITION when closed. T is copyable.
  template <typename Change>
  absl::Status Update(Change change);

  // The latest value, also after Close(). Never null.
  Value Get() const;

  // A receiver to whom the value of now is not news. Also when closed.
  WatchReceiver<T> Subscribe();

  // Idempotent.
  void Close();
  bool closed() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return closed_;
  }

 private:
  friend class WatchReceiver<T>;
  friend struct internal::WatchSource<T>;

  static absl::Status Closed() {
    return absl::FailedPreconditionError("the watch channel is closed");
  }
  // Under lock_. The old value is the caller's then, to let go of after unlocking.
  void Swap(Value& value);

  mutable internal::SpinLock lock_;
  Value value_;
  uint64_t version_ = 0;
  size_t receivers_ = 0;
  bool closed_ = false;
  internal::WaitQueue waiting_receivers_;
};

// One observer, with what it has seen; used by one fiber (or thread) at a time. Movable while
// nobody waits in it. Does not outlive its channel.
template <typename T>
class WatchReceiver {
 public:
  using Value = std::shared_ptr<const T>;

  WatchReceiver(WatchReceiver&& other) noexcept
      : channel_(std::exchange(other.channel_, nullptr)), seen_(other.seen_) {
    Check(!other.waiting_, "a WatchReceiver is moved while a fiber waits in it");
  }
  WatchReceiver& operator=(WatchReceiver&&) = delete;
  ~WatchReceiver();  // Never parks; any thread.

  // Parks until there is a value that this receiver has not seen, and returns the latest. A cancel
  // point when it parks. Errors: OUT_OF_RANGE when closed and the last value was seen,
  // DEADLINE_EXCEEDED, or the cancel scope's status.
  absl::StatusOr<Value> Changed(absl::Time deadline = absl::InfiniteFuture());

  // The latest value, which thereby is seen. Never null. Never parks; also from plain threads.
  Value Get();

  // True when Changed() has a value to return at once. Never parks; also from plain threads.
  bool has_changed() const;

 private:
  friend class WatchChannel<T>;
  friend struct internal::WatchSource<T>;
  WatchReceiver(WatchChannel<T>* channel, uint64_t seen) : channel_(channel), seen_(seen) {}
  void CheckAlone() const {
    Check(!waiting_, "a WatchReceiver is used while a fiber waits in it: give each its own");
  }

  WatchChannel<T>* channel_;  // null: moved from
  uint64_t seen_;             // a version of the channel's value
  bool waiting_ = false;
};

// As the case of a Select: ready when Changed() would not park; the handler gets its result.
template <typename T, typename Handler = internal::NoHandler>
auto Changed(WatchReceiver<T>& receiver, Handler handler = {}) {
  return internal::SourceCase(internal::WatchSource<T>{&receiver}, std::move(handler));
}

// --- Implementation --------------------------------------------------------------------------

namespace internal {

template <typename T>
struct WatchSource {
  using Result = absl::StatusOr<std::shared_ptr<const T>>;
  SpinLock& lock() { return receiver->channel_->lock_; }
  bool Take(Result& result) {
    receiver->CheckAlone();
    const WatchChannel<T>& channel = *receiver->channel_;
    if (std::exchange(receiver->seen_, channel.version_) != channel.version_) {
      result = channel.value_;
      return true;
    }
    if (channel.closed_) result = absl::OutOfRangeError("the watch channel is closed");
    return channel.closed_;
  }
  void TakeGranted(Result& result) {
    Check(Take(result), "a value for a WatchReceiver was seen by somebody else");
  }
  void Add(WaitNode& node) {
    Check(!std::exchange(receiver->waiting_, true), "a Select waits twice for one receiver");
    receiver->channel_->waiting_receivers_.Add(node);
  }
  void Remove(WaitNode& node) {
    receiver->waiting_ = false;
    receiver->channel_->waiting_receivers_.Remove(node);
  }
  WatchReceiver<T>* receiver;
};

}  // namespace internal

template <typename T>
WatchChannel<T>::~WatchChannel() {
  std::lock_guard<internal::SpinLock> hold(lock_);  // The last user may still be on its way out.
  Check(receivers_ == 0, "a WatchChannel is destroyed before its receivers");
}

template <typename T>
void WatchChannel<T>::Swap(Value& value) {
  value_.swap(value);
  ++version_;
  waiting_receivers_.WakeAll();
}

template <typename T>
absl::Status WatchChannel<T>::Set(T value) {
  Value next = std::make_shared<const T>(std::move(value));
  std::lock_guard<internal::SpinLock> hold(lock_);
  if (closed_) return Closed();
  Swap(next);
  return absl::OkStatus();
}

template <typename T>
template <typename Change>
absl::Status WatchChannel<T>::Update(Change change) {
  for (;;) {
    Value next;
    uint64_t version = 0;
    {
      std::lock_guard<internal::SpinLock> hold(lock_);
      if (closed_) return Closed();
      next = value_;
      version = version_;
    }
    auto copy = std::make_shared<T>(*next);
    change(*copy);
    next = std::move(copy);
    std::lock_guard<internal::SpinLock> hold(lock_);
    if (closed_) return Closed();
    if (version_ != version) continue;
    Swap(next);
    return absl::OkStatus();
  }
}

template <typename T>
typename WatchChannel<T>::Value WatchChannel<T>::Get() const {
  std::lock_guard<internal::SpinLock> hold(lock_);
  return value_;
}

template <typename T>
WatchReceiver<T> WatchChannel<T>::Subscribe() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  ++receivers_;
  return WatchReceiver<T>(this, version_);
}

template <typename T>
void WatchChannel<T>::Close() {
  std::lock_guard<internal::SpinLock> hold(lock_);
  closed_ = true;
  waiting_receivers_.WakeAll();
}

template <typename T>
WatchReceiver<T>::~WatchReceiver() {
  if (channel_ == nullptr) return;
  std::lock_guard<internal::SpinLock> hold(channel_->lock_);
  Check(!waiting_, "a WatchReceiver is destroyed while a fiber waits in it");
  --channel_->receivers_;
}

template <typename T>
absl::StatusOr<std::shared_ptr<const T>> WatchReceiver<T>::Changed(absl::Time deadline) {
  absl::StatusOr<Value> result;
  const absl::Status taken =
      internal::TakeOrPark(internal::WatchSource<T>{this}, result, deadline,
                           {.kind = "watch", .object = channel_}, "waiting for a value to change");
  if (!taken.ok()) return taken;
  return result;
}

template <typename T>
std::shared_ptr<const T> WatchReceiver<T>::Get() {
  std::lock_guard<internal::SpinLock> hold(channel_->lock_);
  CheckAlone();
  seen_ = channel_->version_;
  return channel_->value_;
}

template <typename T>
bool WatchReceiver<T>::has_changed() const {
  std::lock_guard<internal::SpinLock> hold(channel_->lock_);
  return seen_ != channel_->version_;
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_WATCH_CHANNEL_H_
