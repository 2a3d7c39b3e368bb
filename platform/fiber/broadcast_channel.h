// BroadcastChannel<T>: every receiver gets every value that is sent after it has subscribed.
//
//   weft::BroadcastChannel<Price> prices(128);
//   group.Spawn([receiver = prices.Subscribe()]() mutable -> absl::Status {
//     for (;;) {
//       absl::StatusOr<Price> price = receiver.ReceiveOr();
//       if (absl::IsDataLoss(price.status())) { Resync(); continue; }   // it was too slow
//       if (!price.ok()) return absl::OkStatus();                       // closed
//       Show(*price);
//     }
//   });
//   prices.Send(price).IgnoreError();
//
// The channel keeps a value until every receiver has seen it, and `capacity` values at most. What
// happens when a receiver falls behind further is chosen once for the channel:
//   kLags          the oldest value is dropped, and the slow receiver is told how many it missed;
//                  senders never wait (as Tokio's broadcast);
//   kHoldsUpSends  senders park until the slowest receiver has caught up: nothing is lost, and one
//                  stuck receiver stops everybody.
// Without receivers values are dropped, and Send() succeeds.
//
// Close(): later sends fail, parked ones too; receivers get what was sent before, then the end.
// Order: all receivers see the same values in the same order. Senders that park are served in the
// order they came.
//
// T is copied for each receiver but the last one, under the channel's lock: it should be cheap to
// copy (std::shared_ptr<const …> for what is not). Its copy and move do not throw (that ends the
// process) and do not use the channel.
#ifndef WEFT_PLATFORM_FIBER_BROADCAST_CHANNEL_H_
#define WEFT_PLATFORM_FIBER_BROADCAST_CHANNEL_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/ring_buffer.h"
#include "platform/fiber/internal/source.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

template <typename T>
class BroadcastReceiver;

namespace internal {
template <typename T>
struct BroadcastSource;
}  // namespace internal

// What becomes of a receiver that is `capacity` values behind.
enum class SlowReceiver { kLags, kHoldsUpSends };

template <typename T>
class BroadcastChannel {
 public:
  // Requires: capacity ≥ 1.
  explicit BroadcastChannel(size_t capacity, SlowReceiver slow = SlowReceiver::kLags)
      : capacity_(capacity), slow_(slow) {
    Check(capacity >= 1, "a BroadcastChannel has room for one value at least");
  }
  ~BroadcastChannel();  // Requires: its receivers are gone.
  BroadcastChannel(const BroadcastChannel&) = delete;
  BroadcastChannel& operator=(const BroadcastChannel&) = delete;

  // A receiver of all values sent from now on. Any thread; also when closed.
  BroadcastReceiver<T> Subscribe();

  // kLags: never parks, also from plain threads. kHoldsUpSends: from fibers; parks while the
  // channel is full, a cancel point when it parks. Errors: FAILED_PRECONDITION when closed; after a
  // park DEADLINE_EXCEEDED or the cancel scope's status. `value` was not sent then.
  absl::Status Send(T value, absl::Time deadline = absl::InfiniteFuture());

  // False when closed, or when Send() would park. Never parks; also from plain threads.
  bool TrySend(T value);

  // Idempotent. Never parks; also from plain threads.
  void Close();

  // Values that some receiver has not seen: never more than the capacity.
  size_t size() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return kept_.size();
  }
  size_t receivers() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return receivers_;
  }
  bool closed() const {
    std::lock_guard<internal::SpinLock> hold(lock_);
    return closed_;
  }

 private:
  friend class BroadcastReceiver<T>;
  friend struct internal::BroadcastSource<T>;

  struct Kept {
    T value;
    size_t unseen_by;  // receivers that have it still before them
  };
  struct Sender : internal::WaitNode {
    Sender(internal::Waiter* waiter, T* place) : WaitNode(waiter), value(place) {}
    T* value;
    bool sent = false;  // still false after a wake: closed
  };

  static absl::Status ClosedToSenders() {
    return absl::FailedPreconditionError("the broadcast channel is closed");
  }

  // Under lock_, and noexcept since a fiber that was claimed must be resumed.
  bool MustWait() const {
    return slow_ == SlowReceiver::kHoldsUpSends && kept_.size() >= capacity_;
  }
  void Publish(T& value, std::optional<Kept>& dropped) noexcept;
  void AdmitSenders() noexcept;

  const size_t capacity_;
  const SlowReceiver slow_;
  mutable internal::SpinLock lock_;
  internal::RingBuffer<Kept> kept_;  // the first one is unseen by somebody
  uint64_t first_ = 0;               // the first one's number; values are counted from 0
  size_t receivers_ = 0;
  bool closed_ = false;
  internal::WaitQueue waiting_receivers_;
  internal::WaitQueue senders_;  // empty unless kHoldsUpSends and full
};

// One subscription, from Subscribe() until it is destroyed; used by one fiber (or thread) at a
// time. Movable while nobody waits in it. Does not outlive its channel.
template <typename T>
class BroadcastReceiver {
 public:
  BroadcastReceiver(BroadcastReceiver&& other) noexcept
      : channel_(std::exchange(other.channel_, nullptr)),
        next_(other.next_),
        missed_(other.missed_) {
    Check(!other.waiting_, "a BroadcastReceiver is moved while a fiber waits in it");
  }
  BroadcastReceiver& operator=(BroadcastReceiver&&) = delete;
  ~BroadcastReceiver();  // Never parks; any thread.

  // Parks while every value has been seen. A cancel point when it parks. Errors:
  //   DATA_LOSS          values were missed (kLags), as many as the message says. The next call
  //                      goes on with the oldest one that is still kept;
  //   OUT_OF_RANGE       closed, and all was seen;
  //   DEADLINE_EXCEEDED or the cancel scope's status.
  absl::StatusOr<T> ReceiveOr(absl::Time deadline = absl::InfiniteFuture());

  // For those who may miss values: passes over DATA_LOSS. nullopt: closed and all seen, or
  // cancelled.
  std::optional<T> Receive();

  // As Receive(), without parking: nullopt also when there is nothing now. Plain threads may.
  std::optional<T> TryReceive();

  // Values that this receiver has missed since it subscribed, as far as it has come.
  uint64_t missed() const { return missed_; }

 private:
  friend class BroadcastChannel<T>;
  friend struct internal::BroadcastSource<T>;
  BroadcastReceiver(BroadcastChannel<T>* channel, uint64_t next) : channel_(channel), next_(next) {}
  bool Take(absl::StatusOr<T>& result) noexcept;  // under the channel's lock

  BroadcastChannel<T>* channel_;  // null: moved from
  uint64_t next_;                 // the number of the value to see next
  uint64_t missed_ = 0;
  bool waiting_ = false;
};

// As the case of a Select: ready when ReceiveOr() would not park; the handler gets its result.
template <typename T, typename Handler = internal::NoHandler>
auto Receive(BroadcastReceiver<T>& receiver, Handler handler = {}) {
  return internal::SourceCase(internal::BroadcastSource<T>{&receiver}, std::move(handler));
}

}  // namespace weft

#include "platform/fiber/internal/broadcast_channel_impl.h"

#endif  // WEFT_PLATFORM_FIBER_BROADCAST_CHANNEL_H_
