// Promise and Future: one value from a callback of a foreign thread to a fiber. The bridge from
// libraries with callbacks (a driver, an SDK) to blocking code.
//
//   weft::Promise<Row> promise;
//   weft::Future<Row> future = promise.GetFuture();
//   driver.Find(key, [promise = std::move(promise)](Row row) mutable { promise.Set(row); });
//   absl::StatusOr<Row> row = future.Get(deadline);   // parks
//
// (Where the library wants a copyable callback, put the promise into a std::shared_ptr.)
//
// Promise<T>::Set() takes a T or an error; Future<T>::Get() returns absl::StatusOr<T>. For a call
// without a value take T = void: Set() or Set(status), and Get() returns absl::Status.
//
// A promise that is destroyed without a value gives its future INTERNAL "the promise was dropped":
// a callback that is never called must not leave a fiber waiting. Not CANCELLED, which would look
// as if the waiting fiber had been cancelled.
//
// Threads: a Promise may be moved to, set and destroyed on any thread. A Future is read by one
// fiber at a time, of any shard; it may be destroyed before the promise is set: the value is then
// destroyed with the promise. Among fibers a TaskGroup is simpler, and cancels what nobody needs.
#ifndef WEFT_PLATFORM_FIBER_FUTURE_H_
#define WEFT_PLATFORM_FIBER_FUTURE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/source.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

template <typename T>
class Future;

namespace internal {

template <typename T>
struct FutureSource;

class ThreadEvent;

// What a promise and its future share, but for the value.
class FutureCore {
 public:
  FutureCore() = default;
  FutureCore(const FutureCore&) = delete;
  FutureCore& operator=(const FutureCore&) = delete;

  // The promise's side. True for the first caller: it writes the value, then calls Publish().
  bool Claim() { return !claimed_.exchange(true, std::memory_order_relaxed); }
  void Publish();

  // The future's side.
  bool ready() const { return ready_.load(std::memory_order_acquire); }
  absl::Status Wait(absl::Time deadline);
  void BlockingWait();
  void Abandon();  // Requires: nobody waits.

  // The future in a Select, under lock().
  SpinLock& lock() { return lock_; }
  void Add(WaitNode& node);
  void Remove(WaitNode& node) { waiters_.Remove(node); }

 private:
  SpinLock lock_;
  std::atomic<bool> claimed_{false};
  std::atomic<bool> ready_{false};  // written under lock_
  WaitQueue waiters_;               // one at most
  ThreadEvent* thread_ = nullptr;
};

template <typename T>
struct FutureState : FutureCore {
  using Result = std::conditional_t<std::is_void_v<T>, absl::Status, absl::StatusOr<T>>;
  std::optional<Result> result;  // written before Publish(), read when ready()
};

}  // namespace internal

// T is movable, or void.
template <typename T>
class Promise {
 public:
  static_assert(!std::is_same_v<T, absl::Status>, "take Promise<void>: its result is a Status");
  using Result = typename internal::FutureState<T>::Result;

  // shared_ptr: the promise and the future may end in either order, on different threads.
  Promise() : state_(std::make_shared<internal::FutureState<T>>()) {}
  Promise(Promise&& other) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    if (this == &other) return *this;
    Drop();
    state_ = std::move(other.state_);
    future_taken_ = other.future_taken_;
    return *this;
  }
  ~Promise() { Drop(); }

  // Call once. Never parks.
  Future<T> GetFuture();

  // A value, or an error (an OK status where T is not void becomes INTERNAL). At most once; a
  // second call crashes. Wakes who waits. Never parks or blocks.
  void Set(Result result) {
    Check(state_ != nullptr, "Set() of a Promise that was moved from");
    Check(state_->Claim(), "a Promise is set twice");
    state_->result.emplace(std::move(result));
    state_->Publish();
  }
  void Set() requires std::is_void_v<T> { Set(absl::OkStatus()); }

 private:
  void Drop() {
    if (state_ == nullptr || !state_->Claim()) return;
    state_->result.emplace(absl::InternalError(
        "the promise was dropped: who should have set it ended without calling back"));
    state_->Publish();
  }

  std::shared_ptr<internal::FutureState<T>> state_;
  bool future_taken_ = false;
};

template <typename T>
class Future {
 public:
  using Result = typename internal::FutureState<T>::Result;

  // No future: valid() is false.
  Future() = default;
  Future(Future&& other) noexcept = default;
  Future& operator=(Future&& other) noexcept {
    if (this == &other) return *this;
    if (state_ != nullptr) state_->Abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Future() {  // Requires: nobody is in Get().
    if (state_ != nullptr) state_->Abandon();
  }

  // Parks until the promise is set or dropped, and returns what it got; the future is used up then
  // (valid() is false). A cancel point when it parks: a value that is there is returned in a
  // cancelled scope too, and after `deadline`. Errors besides the promise's own: DEADLINE_EXCEEDED
  // or the cancel scope's status; then the future is still valid and may be asked again.
  // Requires: on a fiber; valid().
  Result Get(absl::Time deadline = absl::InfiniteFuture()) {
    Check(valid(), "Get() of a Future that has no value to give any more");
    if (absl::Status s = state_->Wait(deadline); !s.ok()) return s;
    return Take();
  }

  // As Get(), but blocks the thread, and has no deadline. For plain threads: main(), tests.
  // Requires: not on a thread of a runtime; valid().
  Result BlockingGet() {
    Check(valid(), "BlockingGet() of a Future that has no value to give any more");
    state_->BlockingWait();
    return Take();
  }

  // Whether Get() would return at once. Never parks. Requires: valid().
  bool Ready() const {
    Check(valid(), "Ready() of a Future that has no value to give any more");
    return state_->ready();
  }

  // False for one that was default-constructed, moved from, or used up.
  bool valid() const { return state_ != nullptr; }

 private:
  friend class Promise<T>;
  friend struct internal::FutureSource<T>;
  explicit Future(std::shared_ptr<internal::FutureState<T>> state) : state_(std::move(state)) {}
  Result Take() {
    Result result = *std::move(state_->result);
    state_.reset();
    return result;
  }

  std::shared_ptr<internal::FutureState<T>> state_;
};

template <typename T>
Future<T> Promise<T>::GetFuture() {
  Check(state_ != nullptr && !future_taken_, "a Promise has one Future");
  future_taken_ = true;
  return Future<T>(state_);
}

namespace internal {

// Holds the state: the future gives its own reference up when the value is taken, under the lock
// that lies in the state.
template <typename T>
struct FutureSource {
  using Result = typename Future<T>::Result;
  explicit FutureSource(Future<T>& of) : future(&of), state(of.state_) {
    Check(of.valid(), "a Select waits for a Future that has no value to give any more");
  }
  SpinLock& lock() { return state->lock(); }
  bool Take(Result& result) {
    if (!state->ready()) return false;
    result = future->Take();
    return true;
  }
  void TakeGranted(Result& result) { result = future->Take(); }
  void Add(WaitNode& node) { state->Add(node); }
  void Remove(WaitNode& node) { state->Remove(node); }
  Future<T>* future;
  std::shared_ptr<FutureState<T>> state;
};

}  // namespace internal

// As the case of a Select (select.h): ready when Get() would not park; the handler gets its result,
// and the future is used up.
template <typename T, typename Handler = internal::NoHandler>
auto Get(Future<T>& future, Handler handler = {}) {
  return internal::SourceCase(internal::FutureSource<T>(future), std::move(handler));
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_FUTURE_H_
