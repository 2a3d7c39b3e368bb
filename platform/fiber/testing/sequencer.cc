#include "platform/fiber/testing/sequencer.h"

#include "platform/base/check.h"

namespace weft {

Sequencer::~Sequencer() {
  Check(waiting_.empty() && !taken_, "a Sequencer is destroyed while fibers take steps of it");
}

Sequencer::Turn Sequencer::Step(int number) {
  internal::Waiter waiter({.kind = "its step of a Sequencer", .object = this});
  {
    std::lock_guard<std::mutex> hold(mutex_);
    Check(number > next_ || (number == next_ && !taken_),
          "a step of a Sequencer is taken once: that number has been used");
    if (number == next_) {
      taken_ = true;
      return Turn(this);
    }
    Check(waiting_.emplace(number, &waiter).second,
          "a step of a Sequencer is taken once: another fiber waits for that number");
  }
  internal::ParkUncancellable(waiter);
  return Turn(this);
}

void Sequencer::End() {
  std::lock_guard<std::mutex> hold(mutex_);
  ++next_;
  const auto following = waiting_.find(next_);
  taken_ = following != waiting_.end();
  if (!taken_) return;
  internal::Waiter* const waiter = following->second;
  waiting_.erase(following);
  internal::Wake(*waiter);
}

}  // namespace weft
