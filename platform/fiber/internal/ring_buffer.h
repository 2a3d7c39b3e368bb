// RingBuffer: a queue in one block of memory, without an allocation for each of its values.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_RING_BUFFER_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_RING_BUFFER_H_

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace weft::internal {

// Takes memory at the first push and doubles it when it is full; gives it back when destroyed. How
// many values it may hold is its owner's to say. Not thread-safe. T is movable.
template <typename T>
class RingBuffer {
 public:
  RingBuffer() = default;
  ~RingBuffer() {
    while (size_ != 0) (void)pop_front();
    Free();
  }
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The oldest value, and the one that came `index` after it. Requires: it is there.
  T& front() { return slots_[first_]; }
  T& operator[](size_t index) { return slots_[Place(index)]; }

  void push_back(T value) {
    if (size_ == places_) Grow();
    new (&slots_[Place(size_)]) T(std::move(value));
    ++size_;
  }

  // Requires: not empty.
  T pop_front() {
    T value(std::move(slots_[first_]));
    slots_[first_].~T();
    first_ = Place(1);
    --size_;
    return value;
  }

 private:
  static constexpr size_t kPlacesMin = 4;

  // `places_` is a power of two.
  size_t Place(size_t index) const { return (first_ + index) & (places_ - 1); }

  void Free() {
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, places_);
  }

  void Grow() {
    const size_t places = places_ == 0 ? kPlacesMin : 2 * places_;
    T* const slots = std::allocator<T>().allocate(places);
    for (size_t i = 0; i < size_; ++i) {
      T& old = slots_[Place(i)];
      new (&slots[i]) T(std::move(old));
      old.~T();
    }
    Free();
    slots_ = slots;
    places_ = places;
    first_ = 0;
  }

  T* slots_ = nullptr;
  size_t places_ = 0;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_RING_BUFFER_H_
