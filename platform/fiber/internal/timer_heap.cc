#include "platform/fiber/internal/timer_heap.h"

#include <algorithm>

namespace weft::internal {
namespace {
constexpr size_t kArity = 4;  // shallower than binary, and four entries share a cache line
}  // namespace

void TimerHeap::Place(size_t index, const Entry& entry) {
  heap_[index] = entry;
  entry.waiter->timer_index = index;
}

void TimerHeap::SiftUp(size_t index, Entry entry) {
  while (index > 0) {
    const size_t parent = (index - 1) / kArity;
    if (heap_[parent].deadline_nanos <= entry.deadline_nanos) break;
    Place(index, heap_[parent]);
    index = parent;
  }
  Place(index, entry);
}

void TimerHeap::SiftDown(size_t index, Entry entry) {
  for (;;) {
    const size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    size_t smallest = first;
    const size_t last = std::min(first + kArity, heap_.size());
    for (size_t child = first + 1; child < last; ++child) {
      if (heap_[child].deadline_nanos < heap_[smallest].deadline_nanos) smallest = child;
    }
    if (heap_[smallest].deadline_nanos >= entry.deadline_nanos) break;
    Place(index, heap_[smallest]);
    index = smallest;
  }
  Place(index, entry);
}

void TimerHeap::Add(int64_t deadline_nanos, Waiter& waiter) {
  heap_.push_back({});
  SiftUp(heap_.size() - 1, {deadline_nanos, &waiter});
}

void TimerHeap::RemoveAt(size_t index) {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  if (index > 0 && last.deadline_nanos < heap_[(index - 1) / kArity].deadline_nanos) {
    SiftUp(index, last);
  } else {
    SiftDown(index, last);
  }
}

void TimerHeap::Remove(Waiter& waiter) { RemoveAt(waiter.timer_index); }

Waiter* TimerHeap::PopExpired(int64_t now_nanos) {
  if (next_deadline() > now_nanos || heap_.empty()) return nullptr;
  Waiter* const waiter = heap_[0].waiter;
  RemoveAt(0);
  return waiter;
}

}  // namespace weft::internal
