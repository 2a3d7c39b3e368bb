// RunQueue: the ready fibers of a shard, first in, first out; shuffled on request, for tests.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_RUN_QUEUE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_RUN_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "platform/fiber/internal/fiber_record.h"

namespace weft::internal {

// Used by its shard's thread only.
class RunQueue {
 public:
  // `shuffle_seed` 0: in order. Else Pop() takes one of the kShuffleWindow oldest by chance; the
  // same seed chooses the same way.
  explicit RunQueue(uint64_t shuffle_seed = 0) : random_(shuffle_seed) {}

  bool empty() const { return head_ == nullptr; }
  size_t size() const { return size_; }

  void Push(FiberRecord& fiber) {
    fiber.ready_next = nullptr;
    (head_ == nullptr ? head_ : tail_->ready_next) = &fiber;
    tail_ = &fiber;
    ++size_;
  }

  // Null when empty.
  FiberRecord* Pop() {
    FiberRecord* const fiber = head_;
    if (fiber == nullptr) return nullptr;
    if (random_ != 0) [[unlikely]]
      return PopByChance();
    head_ = fiber->ready_next;
    --size_;
    return fiber;
  }

 private:
  // Far enough to find orders that nobody thought of; bounded, as the queue is a list.
  static constexpr size_t kShuffleWindow = 8;

  FiberRecord* PopByChance() {
    // xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    const uint64_t number = (random_ * 0x2545F4914F6CDD1D) >> 32;
    FiberRecord* before = nullptr;
    FiberRecord* fiber = head_;
    for (size_t i = number % std::min(size_, kShuffleWindow); i > 0; --i) {
      before = fiber;
      fiber = fiber->ready_next;
    }
    (before == nullptr ? head_ : before->ready_next) = fiber->ready_next;
    if (tail_ == fiber) tail_ = before;
    --size_;
    return fiber;
  }

  FiberRecord* head_ = nullptr;
  FiberRecord* tail_ = nullptr;
  size_t size_ = 0;
  uint64_t random_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_RUN_QUEUE_H_
