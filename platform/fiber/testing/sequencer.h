// Sequencer: makes fibers take the steps of a test in one given order, whatever order they run in.
// For the interleavings that a shuffle finds once in a blue moon, or to write down the one that
// failed. After Trio's testing.Sequencer.
//
//   weft::Sequencer order;
//   group.Spawn([&] {
//     { auto step = order.Step(0); channel.TrySend(1); }
//     { auto step = order.Step(2); channel.Close(); }
//   });
//   group.Spawn([&] {
//     { auto step = order.Step(1); EXPECT_EQ(channel.TryReceive(), 1); }
//   });
//
// Step(n) parks until steps 0 … n-1 have been taken and ended; the step lasts until the object it
// returned is destroyed. Not a cancel point: the order must hold for what runs after a
// cancellation, too. A step that nobody takes leaves the later ones waiting for ever, and the test
// stuck, which TestRuntime reports.
#ifndef WEFT_PLATFORM_FIBER_TESTING_SEQUENCER_H_
#define WEFT_PLATFORM_FIBER_TESTING_SEQUENCER_H_

#include <map>
#include <mutex>
#include <utility>

#include "platform/fiber/internal/waiter.h"

namespace weft {

// For fibers of any shard of any runtime.
class Sequencer {
 public:
  // A step that is being taken.
  class [[nodiscard]] Turn {
   public:
    Turn(Turn&& other) noexcept : sequencer_(std::exchange(other.sequencer_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (sequencer_ != nullptr) sequencer_->End();
    }

   private:
    friend class Sequencer;
    explicit Turn(Sequencer* sequencer) : sequencer_(sequencer) {}
    Sequencer* sequencer_;
  };

  Sequencer() = default;
  // Requires: no fiber waits for a step, and none is being taken.
  ~Sequencer();
  Sequencer(const Sequencer&) = delete;
  Sequencer& operator=(const Sequencer&) = delete;

  // Requires: on a fiber; `number` is not negative and used once.
  Turn Step(int number);

 private:
  void End();

  std::mutex mutex_;  // of all below
  std::map<int, internal::Waiter*> waiting_;
  int next_ = 0;  // the step that is being taken, or comes next
  bool taken_ = false;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_SEQUENCER_H_
