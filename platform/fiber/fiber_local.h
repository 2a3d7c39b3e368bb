// FiberLocal<T>: what thread_local is to threads, for fibers; and, unlike it, handed down: a child
// spawned in a TaskGroup starts with a copy of its parent's value. That is how a trace context or a
// request's baggage follows the work.
//
//   weft::FiberLocal<RequestContext> request_context;   // namespace scope; at most kMaxFiberLocals
//   request_context.Get().user = "…";
#ifndef WEFT_PLATFORM_FIBER_FIBER_LOCAL_H_
#define WEFT_PLATFORM_FIBER_FIBER_LOCAL_H_

#include <atomic>
#include <memory>
#include <utility>

namespace weft {

// All FiberLocal objects of a process together.
inline constexpr int kMaxFiberLocals = 4;

namespace internal {

class FiberLocalValue {
 public:
  virtual ~FiberLocalValue() = default;
  virtual std::unique_ptr<FiberLocalValue> Copy() const = 0;
};

// Reserves a slot; crashes when there are none left.
int ReserveFiberLocalSlot();
// The slot of the calling fiber; off fibers, of the calling thread.
std::unique_ptr<FiberLocalValue>& FiberLocalSlot(int slot);

}  // namespace internal

// All values of one fiber, for whoever looks at fibers from outside (RuntimeObserver).
class FiberLocals {
 public:
  explicit FiberLocals(const std::unique_ptr<internal::FiberLocalValue>* slots) : slots_(slots) {}

 private:
  template <typename T>
  friend class FiberLocal;
  const std::unique_ptr<internal::FiberLocalValue>* slots_;
};

// T is copyable and default-constructible. Calls never park. Off fibers each thread has a value of
// its own.
template <typename T>
class FiberLocal {
 public:
  FiberLocal() : slot_(internal::ReserveFiberLocalSlot()) {}
  FiberLocal(const FiberLocal&) = delete;
  FiberLocal& operator=(const FiberLocal&) = delete;

  // The fiber's value, default-constructed at first use.
  T& Get() {
    std::unique_ptr<internal::FiberLocalValue>& slot = internal::FiberLocalSlot(slot_);
    if (slot == nullptr) {
      auto holder = std::make_unique<Holder>();
      // Seen whole by a signal handler that looks at the fiber's values.
      std::atomic_signal_fence(std::memory_order_release);
      slot = std::move(holder);
    }
    return static_cast<Holder&>(*slot).value;
  }
  // Null where there is none yet: the cheap question.
  T* GetIfSet() {
    auto* holder = static_cast<Holder*>(internal::FiberLocalSlot(slot_).get());
    return holder == nullptr ? nullptr : &holder->value;
  }
  // The value among those of another fiber, while that one does not run, or in a signal handler
  // that has interrupted it; null where it has none.
  const T* FindIn(const FiberLocals& locals) const {
    const auto* holder = static_cast<const Holder*>(locals.slots_[slot_].get());
    return holder == nullptr ? nullptr : &holder->value;
  }
  void Clear() { internal::FiberLocalSlot(slot_).reset(); }

 private:
  struct Holder final : internal::FiberLocalValue {
    std::unique_ptr<FiberLocalValue> Copy() const override {
      auto copy = std::make_unique<Holder>();
      copy->value = value;
      return copy;
    }
    T value{};
  };
  const int slot_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_FIBER_LOCAL_H_
