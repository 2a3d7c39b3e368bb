// TimerHeap: the armed deadlines of one shard's parks. A 4-ary heap with back-pointers: arming a
// deadline later than most is O(1), cancelling is O(log n) without a search.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_TIMER_HEAP_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_TIMER_HEAP_H_

#include <cstdint>
#include <vector>

#include "platform/fiber/internal/waiter.h"

namespace weft::internal {

// Used by its shard's thread only.
class TimerHeap {
 public:
  // Requires: `waiter` is not armed. It stays where it is until removed or popped.
  void Add(int64_t deadline_nanos, Waiter& waiter);
  // Requires: armed.
  void Remove(Waiter& waiter);
  // kNeverNanos when nothing is armed.
  int64_t next_deadline() const { return heap_.empty() ? kNeverNanos : heap_[0].deadline_nanos; }
  // Takes out and returns the earliest waiter whose deadline is at or before `now_nanos`, or null.
  Waiter* PopExpired(int64_t now_nanos);
  size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    int64_t deadline_nanos;
    Waiter* waiter;
  };
  void Place(size_t index, const Entry& entry);
  void SiftUp(size_t index, Entry entry);
  void SiftDown(size_t index, Entry entry);
  void RemoveAt(size_t index);

  std::vector<Entry> heap_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_TIMER_HEAP_H_
