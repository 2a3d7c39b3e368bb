// Fibers of two shards and plain threads at the same primitives, on real threads and the real
// clock, against simple models. Bounded by counts, not by time. Meant for the sanitizers as much as
// for the plain build.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/stress.h"

namespace weft {
namespace {

constexpr int kShards = 2;

TEST(Stress, MutexOfTwoShards) {
  Runtime runtime({.shards = kShards});
  Mutex mutex;
  int64_t counter = 0;  // Guarded by mutex.
  std::atomic<int64_t> model{0};
  OnAllShards(runtime, 8, [&](int id) {
    std::minstd_rand random(static_cast<unsigned>(id) + 1);
    for (int turn = 0; turn < 500; ++turn) {
      if (turn % 3 == 0) {
        CancelScope scope({.deadline = SoonOrLater(random)});
        if (!mutex.LockCancellable().ok()) continue;
      } else {
        mutex.Lock();
      }
      ++counter;
      ++model;
      if (turn % 7 == 0) Yield();
      mutex.Unlock();
    }
  });
  EXPECT_EQ(counter, model);
}

TEST(Stress, ChannelOfTwoShardsAndAThread) {
  constexpr int kFibers = 6;
  constexpr int kValues = 400;
  Runtime runtime({.shards = kShards});
  Channel<std::pair<int, int>> channel(4);
  std::vector<std::vector<int>> sent(kShards * kFibers + 1);
  std::vector<std::vector<int>> received(sent.size());
  Mutex received_mutex;

  std::thread receivers([&] {
    OnAllShards(runtime, 3, [&](int id) {
      std::minstd_rand random(static_cast<unsigned>(id) + 100);
      for (;;) {
        const auto value =
            channel.ReceiveOr(random() % 4 == 0 ? SoonOrLater(random) : absl::InfiniteFuture());
        if (absl::IsOutOfRange(value.status())) return;
        if (!value.ok()) continue;
        std::lock_guard<Mutex> hold(received_mutex);
        received[static_cast<size_t>(value->first)].push_back(value->second);
      }
    });
  });
  std::thread thread([&] {
    for (int i = 0; i < kValues; ++i) {
      if (channel.TrySend({kShards * kFibers, i})) sent.back().push_back(i);
    }
  });
  OnAllShards(runtime, kFibers, [&](int id) {
    std::minstd_rand random(static_cast<unsigned>(id) + 1);
    for (int i = 0; i < kValues; ++i) {
      const absl::Time deadline = i % 4 == 0 ? SoonOrLater(random) : absl::InfiniteFuture();
      if (channel.Send({id, i}, deadline).ok()) sent[static_cast<size_t>(id)].push_back(i);
    }
  });
  thread.join();
  channel.Close();
  receivers.join();
  for (std::vector<int>& values : received) std::sort(values.begin(), values.end());
  EXPECT_EQ(received, sent);
}

TEST(Stress, ConditionVariableOfTwoShards) {
  constexpr int kFibers = 4;
  constexpr int kTurns = 300;
  Runtime runtime({.shards = kShards});
  Mutex mutex;
  ConditionVariable changed;
  int tokens = 3;
  int uses = 0;
  OnAllShards(runtime, kFibers, [&](int id) {
    std::minstd_rand random(static_cast<unsigned>(id) + 1);
    for (int turn = 0; turn < kTurns; ++turn) {
      std::lock_guard<Mutex> hold(mutex);
      // Until it has one: a deadline only makes it start again.
      while (!changed
                  .WaitUntil(
                      mutex, [&] { return tokens > 0; }, SoonOrLater(random))
                  .ok()) {
      }
      --tokens;
      ASSERT_GE(tokens, 0);
      mutex.Unlock();
      Yield();
      mutex.Lock();
      ++tokens;
      ++uses;
      changed.NotifyOne();
    }
  });
  EXPECT_EQ(tokens, 3);
  EXPECT_EQ(uses, kShards * kFibers * kTurns);
}

TEST(Stress, BlockingPoolOfTwoShards) {
  Runtime runtime({.shards = kShards});
  BlockingPool pool({.threads = 2, .queue = 6});
  std::atomic<int> ran{0};
  std::atomic<int> finished{0};
  OnAllShards(runtime, 6, [&](int id) {
    std::minstd_rand random(static_cast<unsigned>(id) + 1);
    for (int turn = 0; turn < 150; ++turn) {
      CancelScope scope({.deadline = SoonOrLater(random)});
      const absl::StatusOr<int> result = pool.Run([&] {
        ++ran;
        return turn;
      });
      if (result.ok()) {
        EXPECT_EQ(*result, turn);
        ++finished;
      }
    }
  });
  EXPECT_EQ(ran, finished);
  EXPECT_EQ(pool.Stats().finished_total, static_cast<uint64_t>(ran));
}

TEST(Stress, PostsFromManyThreadsAllRun) {
  std::atomic<int> ran{0};
  {
    Runtime runtime({.shards = kShards});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 1000; ++j) runtime.Post(j % kShards, [&] { ++ran; });
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(ran, 4000);
}

}  // namespace
}  // namespace weft
