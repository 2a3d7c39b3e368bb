// Channels and Selects between fibers of several shards, on real threads and the real clock.
// Bounded by counts, not by time. Meant for the sanitizers as much as for the plain build.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "platform/fiber/channel_world.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

// Runs `body` in `fibers` fibers of each shard; `body` is given a number of its own.
void OnAllShards(Runtime& runtime, int fibers, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int shard = 0; shard < runtime.shards(); ++shard) {
    threads.emplace_back([&, shard] {
      runtime.Run(
          [&] {
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

TEST(ChannelStress, AgreesWithTheModelOnManyShards) {
  constexpr int kFibers = 4;
  constexpr int kTurns = 1500;
  for (const SlowReceiver slow : {SlowReceiver::kLags, SlowReceiver::kHoldsUpSends}) {
    Runtime runtime({.shards = 3});
    World world(
        {.slow = slow, .tick = absl::Microseconds(40), .one_shard = false, .for_ever = false});
    std::deque<Worker> workers;
    for (unsigned i = 0; i < kFibers * 3; ++i) workers.emplace_back(world, i, i == 0);
    OnAllShards(runtime, kFibers, [&](int id) {
      workers[static_cast<size_t>(id)].Run(kTurns);
      if (id == 0) world.CloseAll();  // While others are still busy.
    });
    world.Verify();
  }
}

// Selects that send against Selects that receive, on other shards and with their channels in other
// orders. Nobody has a deadline: a wake that is lost, or a deadlock, hangs.
TEST(ChannelStress, SelectsOfManyShardsMeet) {
  constexpr int kFibers = 4;
  constexpr int kValues = 5000;
  Runtime runtime({.shards = 4});
  Channel<int> a(0);
  Channel<int> b(0);
  Channel<int> c(1);
  std::atomic<int64_t> sent_sum{0};
  std::atomic<int64_t> received_sum{0};
  OnAllShards(runtime, kFibers, [&](int id) {
    std::minstd_rand random(static_cast<unsigned>(id) + 1);
    const bool sends = id % 2 == 0;  // Half of each shard's fibers.
    for (int i = 0; i < kValues; ++i) {
      int value = id * kValues + i;
      const auto add = [&](std::optional<int> received) { received_sum += *received; };
      absl::StatusOr<size_t> fired;
      switch (random() / 7 % 3) {
        case 0:
          fired = sends ? Select(Send(a, value), Send(b, value), Send(c, value))
                        : Select(Receive(a, add), Receive(b, add), Receive(c, add));
          break;
        case 1:
          fired = sends ? Select(Send(c, value), Send(a, value), Send(b, value))
                        : Select(Receive(b, add), Receive(c, add), Receive(a, add));
          break;
        default:
          fired = sends ? Select(Send(b, value), Send(c, value), Send(a, value))
                        : Select(Receive(c, add), Receive(a, add), Receive(b, add));
      }
      ASSERT_TRUE(fired.ok());
      if (sends) sent_sum += value;
    }
  });
  EXPECT_EQ(received_sum, sent_sum);
  EXPECT_EQ(c.size(), 0u);
}

// Everybody offers and takes at once, on one channel: each Select can be served by any other one.
TEST(ChannelStress, PeersExchange) {
  constexpr int kFibers = 3;
  constexpr int kTurns = 5000;
  Runtime runtime({.shards = 4});
  const int peers = kFibers * runtime.shards();
  Channel<int> exchange(0);
  std::atomic<int> finished{0};
  std::atomic<int> sent{0};
  std::atomic<int> received{0};
  OnAllShards(runtime, kFibers, [&](int id) {
    for (int i = 0; i < kTurns; ++i) {
      int value = id;
      const absl::StatusOr<size_t> fired =
          Select(Send(exchange, value, [&](absl::Status s) { sent += s.ok(); }),
                 Receive(exchange, [&](std::optional<int> other) {
                   received += other.has_value();
                   EXPECT_NE(other, id);  // Nobody meets himself.
                 }));
      ASSERT_TRUE(fired.ok());
    }
    if (++finished == peers - 1) exchange.Close();  // The last one would wait for nobody.
  });
  EXPECT_EQ(sent, received);
  EXPECT_GE(sent + received, (peers - 1) * kTurns);
}

}  // namespace
}  // namespace weft
