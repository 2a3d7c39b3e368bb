// What the model tests of the primitives share: fibers that do random things, all drawn from one
// seed, and a look at the model whenever none of them can go on.
#ifndef WEFT_PLATFORM_FIBER_SYNC_MODEL_H_
#define WEFT_PLATFORM_FIBER_SYNC_MODEL_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>

#include "absl/time/time.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {

// The seeds that a model test tries unless WEFT_STRESS_SEEDS says otherwise.
inline constexpr int kModelSeeds = 500;

// Random choices of one fiber.
class Dice {
 public:
  Dice(uint64_t seed, size_t fiber) : random_(static_cast<unsigned>(seed * 1009 + fiber * 31 + 1)) {
    random_.discard(10);  // Neighbouring seeds begin alike.
  }
  // 0 … n-1.
  size_t Below(size_t n) { return random_() / 7 % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  // Less than `n` milliseconds, in whole ones.
  absl::Duration Millis(size_t n) { return absl::Milliseconds(Below(n)); }

 private:
  std::minstd_rand random_;
};

// On a fiber without a cancel scope.
inline void Sleep(absl::Duration duration) { EXPECT_TRUE(weft::SleepFor(duration).ok()); }

// Runs `body` on `fibers` fibers of one shard, whose order is shuffled by `seed`, and `look` again
// and again when all of them wait. Ends the process, with a list of the fibers, when one of them
// waits for ever. On a fiber.
inline void RunModel(uint64_t seed, size_t fibers,
                     const std::function<void(size_t fiber, Dice& dice)>& body,
                     const std::function<void()>& look) {
  constexpr int kLooksMax = 2000;  // Then time stands if they all wait in vain.
  TaskGroup group;
  for (size_t i = 0; i < fibers; ++i) {
    group.Spawn([&body, seed, i] {
      Dice dice(seed, i);
      body(i, dice);
    });
  }
  for (int looks = 0; looks < kLooksMax && group.running() > 0; ++looks) {
    WaitAllBlocked();
    look();
    Sleep(absl::Microseconds(300));
  }
  EXPECT_TRUE(group.Wait().ok());
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_SYNC_MODEL_H_
