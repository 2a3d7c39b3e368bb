// Channels, rendezvous, broadcast, watch and Select under many orders of their fibers, with random
// deadlines, cancellations and closes, against the models of channel_model.h and
// broadcast_model.h. Thousands of orders: WEFT_STRESS_SEEDS=5000 in the environment.
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "platform/fiber/channel_world.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/seeds.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

constexpr int kWorkers = 7;
constexpr int kTurns = 60;

struct Totals {
  size_t passed = 0;
  int fired = 0;
};

void RunWorld(uint64_t seed, SlowReceiver slow, Totals& totals) {
  TestRuntime({.shuffle_seed = seed}).Run([&] {
    World world({.slow = slow});
    std::deque<Worker> workers;
    for (unsigned i = 0; i < kWorkers; ++i) {
      workers.emplace_back(world, static_cast<unsigned>(seed) * 100 + i, /*broadcasts=*/true);
    }
    TaskGroup group;
    for (Worker& worker : workers) group.Spawn([&] { worker.Run(kTurns); });
    // One channel after the other, while the workers are busy; then nobody can wait any longer.
    group.Spawn([&] {
      for (ModelledChannel& channel : world.channels) {
        EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(20)).ok());
        channel.channel.Close();
      }
      world.CloseAll();
    });
    while (group.running() > 0) {
      WaitAllBlocked();
      world.VerifyAllWait();
      EXPECT_TRUE(weft::SleepFor(absl::Microseconds(300)).ok());
    }
    EXPECT_TRUE(group.Wait().ok());
    world.Verify();
    for (const ModelledChannel& channel : world.channels) totals.passed += channel.passed();
    for (const Worker& worker : workers) totals.fired += worker.fired();
  });
}

void RunSeeds(SlowReceiver slow) {
  ForEachShuffle(StressSeeds(300), [&](uint64_t seed) {
    Totals totals;
    RunWorld(seed, slow, totals);
    // Otherwise it has shown nothing.
    EXPECT_GE(totals.passed, 10u);
    EXPECT_GE(totals.fired, 10);
  });
}

TEST(ChannelModel, HoldsWhenSlowReceiversLag) { RunSeeds(SlowReceiver::kLags); }

TEST(ChannelModel, HoldsWhenSlowReceiversHoldUpSends) { RunSeeds(SlowReceiver::kHoldsUpSends); }

}  // namespace
}  // namespace weft
