#include "platform/fiber/runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using internal::ThreadEvent;

// A fiber that nobody joins, as the rpc server starts them; deletes itself.
class Detached final : public internal::FiberBody {
 public:
  static void Start(std::function<void()> function, const internal::StartOptions& options = {}) {
    ASSERT_TRUE(internal::StartFiber(*new Detached(std::move(function)), options));
  }
  void Run() override { function_(); }
  void Finished() override { delete this; }

 private:
  explicit Detached(std::function<void()> function) : function_(std::move(function)) {}
  std::function<void()> function_;
};

TEST(Runtime, RunReturnsTheFunctionsResult) {
  Runtime runtime({.shards = 1});
  EXPECT_EQ(runtime.Run([] { return std::make_unique<int>(4); }) != nullptr, true);
  bool ran = false;
  runtime.Run([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(Runtime, RunsOnTheShardAskedFor) {
  Runtime runtime({.shards = 3});
  EXPECT_EQ(runtime.shards(), 3);
  EXPECT_EQ(Runtime::Current(), nullptr);
  EXPECT_EQ(Runtime::CurrentShard(), -1);
  EXPECT_EQ(Runtime::CurrentPoller(), nullptr);
  std::vector<std::thread::id> threads;
  for (int shard = 0; shard < 3; ++shard) {
    runtime.Run(
        [&] {
          EXPECT_EQ(Runtime::CurrentShard(), shard);
          EXPECT_EQ(Runtime::Current(), &runtime);
          EXPECT_NE(Runtime::CurrentPoller(), nullptr);
          threads.push_back(std::this_thread::get_id());
        },
        shard);
  }
  EXPECT_NE(threads[0], threads[1]);
  EXPECT_NE(threads[1], threads[2]);
}

TEST(Runtime, PostsRunInTheirOrder) {
  std::vector<int> order;
  Runtime runtime({.shards = 1});
  for (int i = 0; i < 100; ++i) {
    runtime.Post(0, [&order, i] {
      EXPECT_FALSE(OnFiber());
      order.push_back(i);
    });
  }
  runtime.Run([] {});  // A post itself, behind the others.
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Runtime, PostsFromAPostRun) {
  bool ran = false;
  {
    Runtime runtime({.shards = 1});
    runtime.Post(0, [&] { runtime.Post(0, [&] { ran = true; }); });
  }
  EXPECT_TRUE(ran);
}

TEST(Runtime, DestructorWaitsForParkedFibers) {
  bool finished = false;
  {
    SimulatedClock clock;
    Runtime runtime({.shards = 1, .clock = &clock, .poller_factory = clock.Pollers()});
    runtime.Post(0, [&] {
      Detached::Start([&] {
        EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
        finished = true;
      });
    });
  }
  EXPECT_TRUE(finished);
}

// Fibers and posts that hop from shard to shard while the runtime is being destroyed.
TEST(Runtime, DestructorWaitsForWorkThatShardsGiveEachOther) {
  constexpr int kHops = 300;
  std::atomic<int> hops{0};
  const std::function<void(int)> hop = [&](int left) {
    ++hops;
    if (left == 0) return;
    Runtime::Current()->Post(left % 3, [&hop, left] {
      Detached::Start([&hop, left] {
        for (int i = 0; i < left % 5; ++i) Yield();
        hop(left - 1);
      });
    });
  };
  {
    Runtime runtime({.shards = 3});
    runtime.Post(0, [&hop] { Detached::Start([&hop] { hop(kHops); }); });
  }
  EXPECT_EQ(hops, kHops + 1);
}

TEST(Runtime, ManyRuntimesComeAndGo) {
  for (int i = 0; i < 30; ++i) {
    Runtime runtime({.shards = 2});
    runtime.Run([] { Yield(); }, i % 2);
  }
}

// Threads that wake fibers while the fibers' end lets the runtime go.
TEST(Runtime, OutlivesTheThreadsThatWakeItsFibers) {
  for (int i = 0; i < 200; ++i) {
    Channel<int> channel(1);
    std::thread sender;
    {
      Runtime runtime({.shards = 1});
      sender = std::thread([&] { EXPECT_TRUE(channel.TrySend(i)); });
      EXPECT_EQ(runtime.Run([&] { return channel.Receive(); }), i);
    }
    sender.join();
  }
}

// Spare fibers are given back at the end of the turn of the loop in which they became idle.
void AwaitTurn(Runtime& runtime) {
  ThreadEvent next_turn;
  runtime.Post(0, [&next_turn] { next_turn.Notify(); });
  next_turn.Wait();
}

TEST(Runtime, KeepsNoMoreIdleFibersThanAllowed) {
  TestRuntime runtime({.max_idle_fibers = 10});
  for (int round = 0; round < 3; ++round) {
    runtime.Run([] {
      TaskGroup group;
      for (int i = 0; i < 100; ++i) group.Spawn([] { return weft::SleepFor(absl::Seconds(1)); });
      EXPECT_TRUE(group.Wait().ok());
    });
    AwaitTurn(runtime.runtime());
    EXPECT_LE(runtime.runtime().Stats()[0].idle, 10u);
  }
  EXPECT_EQ(runtime.runtime().Stats()[0].fibers_finished_total, 303u);
}

TEST(Runtime, WithoutAPoolEveryFiberIsNew) {
  TestRuntime runtime({.max_idle_fibers = 0});
  runtime.Run([] {
    for (int i = 0; i < 300; ++i) {
      TaskGroup group;
      group.Spawn([] { Yield(); });
      EXPECT_TRUE(group.Wait().ok());
    }
  });
  AwaitTurn(runtime.runtime());
  EXPECT_EQ(runtime.runtime().Stats()[0].idle, 0u);
}

TEST(Runtime, StacksAreAsDeepAsAsked) {
  TestRuntime runtime({.stack_bytes = 1024 * 1024});
  const std::function<int(int)> recurse = [&](int depth) {
    volatile char frame[4096];
    frame[0] = static_cast<char>(depth);
    return depth == 0 ? frame[0] : recurse(depth - 1) + 1;
  };
  EXPECT_EQ(runtime.Run([&] { return recurse(150); }), 150);
}

// --- Readings --------------------------------------------------------------------------------

TEST(RuntimeStats, CountFibersByState) {
  TestRuntime runtime;
  runtime.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 3; ++i) group.Spawn([] { return weft::SleepFor(absl::Seconds(1)); });
    WaitAllBlocked();
    const ShardStats stats = runtime.runtime().Stats()[0];
    EXPECT_EQ(stats.shard, 0);
    EXPECT_EQ(stats.fibers_spawned_total, 4u);
    EXPECT_EQ(stats.fibers_finished_total, 0u);
    EXPECT_EQ(stats.running, 1u);
    EXPECT_EQ(stats.ready, 0u);
    EXPECT_EQ(stats.parked, 3u);
    EXPECT_EQ(stats.idle, 0u);
    EXPECT_EQ(stats.timers, 3u);
    EXPECT_GE(stats.loop_iterations_total, 2u);
    EXPECT_TRUE(group.Wait().ok());
    WaitAllBlocked();
    const ShardStats later = runtime.runtime().Stats()[0];
    EXPECT_EQ(later.fibers_finished_total, 3u);
    EXPECT_EQ(later.parked, 0u);
    EXPECT_EQ(later.idle, 3u);
    EXPECT_EQ(later.timers, 0u);
    EXPECT_GT(later.longest_run_nanos, 0);
  });
}

class Recorder final : public RuntimeObserver {
 public:
  void OnLoop(int shard, const LoopSample& sample) noexcept override {
    EXPECT_EQ(shard, 0);
    samples.push_back(sample);
  }
  std::vector<LoopSample> samples;
};

TEST(RuntimeObserver, SeesWaitAndLag) {
  Recorder recorder;
  TestRuntime runtime({.observer = &recorder});
  runtime.Run([&] {
    EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(5)).ok());
    EXPECT_EQ(recorder.samples.back().wait_nanos, 5'000'000);
    EXPECT_EQ(recorder.samples.back().lag_nanos, 0);
    // A run of 7 ms: what became ready at its start has to wait for its end.
    runtime.clock().Advance(absl::Milliseconds(7));
    EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(1)).ok());
    EXPECT_EQ(recorder.samples.back().wait_nanos, 1'000'000);
    EXPECT_EQ(recorder.samples.back().lag_nanos, 7'000'000);
    EXPECT_EQ(runtime.runtime().Stats()[0].busy_nanos_total, 7'000'000);
  });
}

class CountingPoller final : public Poller {
 public:
  explicit CountingPoller(std::unique_ptr<Poller> poller) : poller_(std::move(poller)) {}
  size_t Wait(int64_t deadline_nanos) override { return poller_->Wait(deadline_nanos) + 2; }
  void Wake() override { poller_->Wake(); }

 private:
  std::unique_ptr<Poller> poller_;
};

TEST(RuntimeObserver, SeesThePollersEvents) {
  Recorder recorder;
  {
    Runtime runtime(
        {.shards = 1,
         .poller_factory =
             [](int) { return std::make_unique<CountingPoller>(MakeThreadPoller(Clock::Real())); },
         .observer = &recorder});
    runtime.Run([] { Yield(); });
  }
  ASSERT_FALSE(recorder.samples.empty());
  EXPECT_EQ(recorder.samples[0].events, 2u);
}

// --- The dump --------------------------------------------------------------------------------

TEST(RuntimeFibers, ListsEveryFiberWithWhatItWaitsFor) {
  TestRuntime runtime({.shards = 2});
  Channel<int> release(1);
  ThreadEvent all_wait;
  std::thread runner([&] {
    runtime.Run(
        [&] {
          SetFiberName("main");
          Mutex mutex;
          std::lock_guard<Mutex> hold(mutex);
          TaskGroup group;
          group.Spawn("receiver", [&] { (void)release.Receive(); });
          group.Spawn("locker", [&] { std::lock_guard<Mutex> mine(mutex); });
          EXPECT_TRUE(weft::SleepFor(absl::Seconds(3)).ok());
          {
            CancelScope scope({.deadline = weft::Now() + absl::Seconds(8)});
            SimulatedClock::Hold stop(runtime.clock());
            all_wait.Notify();
            (void)release.Receive();
          }
          mutex.Unlock();
          EXPECT_TRUE(group.Wait().ok());
          mutex.Lock();
        },
        1);
  });
  all_wait.Wait();
  // The shard answers between fibers: "main" is at its next park by then.
  std::vector<int> stuck_shards;
  std::vector<FiberInfo> fibers = runtime.runtime().Fibers({}, &stuck_shards);
  EXPECT_TRUE(stuck_shards.empty());
  ASSERT_EQ(fibers.size(), 3u);
  std::sort(fibers.begin(), fibers.end(),
            [](const FiberInfo& a, const FiberInfo& b) { return a.id < b.id; });
  for (const FiberInfo& fiber : fibers) {
    EXPECT_EQ(fiber.shard, 1);
    EXPECT_EQ(fiber.state, "parked");
    EXPECT_EQ(fiber.age_nanos, 3'000'000'000);
  }
  EXPECT_EQ(fibers[0].name, "main");
  EXPECT_EQ(fibers[0].waits_for, "channel receive");
  EXPECT_EQ(fibers[0].state_nanos, 0);
  EXPECT_EQ(fibers[0].deadline_left_nanos, 8'000'000'000);
  EXPECT_EQ(fibers[1].name, "receiver");
  EXPECT_EQ(fibers[1].waits_for, "channel receive");
  EXPECT_EQ(fibers[1].state_nanos, 3'000'000'000);
  EXPECT_EQ(fibers[1].deadline_left_nanos, INT64_MAX);
  EXPECT_EQ(fibers[2].name, "locker");
  EXPECT_EQ(fibers[2].waits_for, "mutex");
  release.Close();
  runner.join();
}

TEST(RuntimeFibers, AShardThatIsStuckIsNamed) {
  Runtime runtime({.shards = 2});
  ThreadEvent stuck;
  ThreadEvent release;
  std::thread runner([&] {
    runtime.Run(
        [&] {
          stuck.Notify();
          release.Wait();  // Blocks the thread: what no fiber should do.
        },
        1);
  });
  stuck.Wait();
  std::vector<int> stuck_shards;
  EXPECT_TRUE(runtime.Fibers({.timeout = absl::Milliseconds(1)}, &stuck_shards).empty());
  // On a slow machine shard 0 may not have answered either.
  ASSERT_FALSE(stuck_shards.empty());
  EXPECT_EQ(stuck_shards.back(), 1);
  release.Notify();
  runner.join();
  stuck_shards.clear();
  runtime.Fibers({}, &stuck_shards);
  EXPECT_TRUE(stuck_shards.empty());
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(RuntimeDeathTest, RunOnItsOwnFiberWouldDeadlock) {
  EXPECT_DEATH(
      {
        Runtime runtime({.shards = 1});
        runtime.Run([&] { runtime.Run([] {}); });
      },
      "not on a shard of the same runtime");
}

TEST(RuntimeDeathTest, PostNeedsAnExistingShard) {
  EXPECT_DEATH(
      {
        Runtime runtime({.shards = 1});
        runtime.Post(1, [] {});
      },
      "no shard of that number");
}

TEST(RuntimeDeathTest, FibersAreStartedOnAShard) {
  EXPECT_DEATH(Detached::Start([] {}), "started from a fiber or the loop");
}
#endif

}  // namespace
}  // namespace weft
