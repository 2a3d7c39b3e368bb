// What the stress tests share: many fibers on several shards of a runtime, on real threads and the
// real clock.
#ifndef WEFT_PLATFORM_FIBER_STRESS_H_
#define WEFT_PLATFORM_FIBER_STRESS_H_

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/latch.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft {

// Runs `body` in `fibers` fibers of each shard, all at once; `body` is given a number of its own.
inline void OnAllShards(Runtime& runtime, int fibers, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  Latch all_shards(static_cast<size_t>(runtime.shards()));
  for (int shard = 0; shard < runtime.shards(); ++shard) {
    threads.emplace_back([&, shard] {
      runtime.Run(
          [&] {
            EXPECT_TRUE(all_shards.ArriveAndWait().ok());
            TaskGroup group;
            for (int i = 0; i < fibers; ++i) {
              group.Spawn([&body, id = shard * fibers + i] { body(id); });
            }
            EXPECT_TRUE(group.Wait().ok());
          },
          shard);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A deadline that is often, but not always, too short.
inline absl::Time SoonOrLater(std::minstd_rand& random) {
  return weft::Now() + absl::Microseconds(random() % 200);
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_STRESS_H_
