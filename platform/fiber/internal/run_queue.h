// RunQueue: the ready fibers of a shard, first in, first out; shuffled on request, for tests.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_RUN_QUEUE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_RUN_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "platform/fiber/internal/fiber_record.h"

namespace weft::internal {

// Used by its shard's thread only.
class RunQueue {
 public:
  // `shuffle_seed` 0: in order. Else Pop() takes one of the kShuffleWindow oldest by chance; the
  // same seed chooses the same way. `on_resume` may be empty (RuntimeOptions::on_resume).
  RunQueue(uint64_t shuffle_seed, std::function<void(uint64_t, const char*)> on_resume)
      : random_(shuffle_seed),
        on_resume_(std::move(on_resume)),
        plain_(shuffle_seed == 0 && on_resume_ == nullptr) {}

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
    if (!plain_) [[unlikely]]
      return PopForTest();
    head_ = fiber->ready_next;
    --size_;
    return fiber;
  }

 private:
  // Far enough to find orders that nobody thought of; bounded, as the queue is a list.
  static constexpr size_t kShuffleWindow = 8;

  FiberRecord* PopForTest() {
    FiberRecord* before = nullptr;
    FiberRecord* fiber = head_;
    for (size_t i = NextPlace(); i > 0; --i) {
      before = fiber;
      fiber = fiber->ready_next;
    }
    (before == nullptr ? head_ : before->ready_next) = fiber->ready_next;
    if (tail_ == fiber) tail_ = before;
    --size_;
    // An idle fiber that is resumed to end has no body.
    if (on_resume_ != nullptr && fiber->body != nullptr) on_resume_(fiber->id, fiber->name);
    return fiber;
  }

  // Which of the oldest is next.
  size_t NextPlace() {
    if (random_ == 0) return 0;
    // xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    const uint64_t number = (random_ * 0x2545F4914F6CDD1D) >> 32;
    return number % std::min(size_, kShuffleWindow);
  }

  FiberRecord* head_ = nullptr;
  FiberRecord* tail_ = nullptr;
  size_t size_ = 0;
  uint64_t random_;
  const std::function<void(uint64_t, const char*)> on_resume_;
  const bool plain_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_RUN_QUEUE_H_
