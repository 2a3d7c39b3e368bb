// What fibers cost: the time of one switch, one child, one hand-over. The stock_boost/… rows
// (internal/stock_boost_benchmark.cc) are the same work on Boost.Fiber as it comes, in the same
// process: compare within one run only.
//
//   ./weft build --config=opt //platform/fiber:fiber_benchmark
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "platform/fiber/blocking.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

// Two fibers that yield to one another: two switches a turn.
void Switch(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    bool stop = false;
    TaskGroup group;
    group.Spawn([&] {
      while (!stop) Yield();
    });
    while (state.KeepRunningBatch(2)) Yield();
    stop = true;
    group.Wait().IgnoreError();
  });
}
BENCHMARK(Switch)->Name("weft/switch");

// Looks whether the slice is over, which it is not.
void LookAtTheSlice(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    for (auto _ : state) benchmark::DoNotOptimize(YieldIfDue());
  });
}
BENCHMARK(LookAtTheSlice)->Name("weft/yield_if_due");

// A job of nothing on a thread that was idle: two wakes of threads.
void BlockingRoundTrip(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    for (auto _ : state) Blocking([] {}).IgnoreError();
  });
}
BENCHMARK(BlockingRoundTrip)->Name("weft/blocking_round_trip")->UseRealTime();

// As above among many fibers, whose stacks do not fit the processor's nearest caches.
void SwitchAmong(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    bool stop = false;
    TaskGroup group;
    for (int64_t i = 1; i < state.range(0); ++i) {
      group.Spawn([&] {
        while (!stop) Yield();
      });
    }
    while (state.KeepRunningBatch(state.range(0))) Yield();
    stop = true;
    group.Wait().IgnoreError();
  });
}
BENCHMARK(SwitchAmong)->Name("weft/switch_among")->Arg(100)->Arg(1000);

void SpawnAndJoin(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    while (state.KeepRunningBatch(state.range(0))) {
      TaskGroup group;
      for (int64_t i = 0; i < state.range(0); ++i) group.Spawn([] {});
      group.Wait().IgnoreError();
    }
  });
}
BENCHMARK(SpawnAndJoin)->Name("weft/spawn_and_join")->Arg(1)->Arg(10);

// A value there and a value back, through channels of that capacity: each is a hand-over to a
// parked receiver.
void HandOver(benchmark::State& state, size_t capacity) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    Channel<int> there(capacity);
    Channel<int> back(capacity);
    TaskGroup group;
    group.Spawn([&] {
      while (const std::optional<int> value = there.Receive()) {
        if (!back.Send(*value).ok()) return;
      }
    });
    while (state.KeepRunningBatch(2)) {
      there.Send(1).IgnoreError();
      benchmark::DoNotOptimize(back.Receive());
    }
    there.Close();
    group.Wait().IgnoreError();
  });
}
void ChannelHandOver(benchmark::State& state) { HandOver(state, 1); }
BENCHMARK(ChannelHandOver)->Name("weft/channel_hand_over");
void RendezvousHandOver(benchmark::State& state) { HandOver(state, 0); }
BENCHMARK(RendezvousHandOver)->Name("weft/rendezvous_hand_over");

// As channel_hand_over, but both wait with a Select of two channels.
void SelectHandOver(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    Channel<int> there(1);
    Channel<int> back(1);
    Channel<int> never(1);
    TaskGroup group;
    group.Spawn([&] {
      for (bool open = true; open;) {
        Select(Receive(never), Receive(there,
                                       [&](std::optional<int> value) {
                                         open = value.has_value() && back.TrySend(*value);
                                       }))
            .IgnoreError();
      }
    });
    while (state.KeepRunningBatch(2)) {
      there.Send(1).IgnoreError();
      Select(Receive(never), Receive(back)).IgnoreError();
    }
    there.Close();
    group.Wait().IgnoreError();
  });
}
BENCHMARK(SelectHandOver)->Name("weft/select_hand_over");

void UncontendedMutex(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    Mutex mutex;
    for (auto _ : state) {
      mutex.Lock();
      mutex.Unlock();
    }
  });
}
BENCHMARK(UncontendedMutex)->Name("weft/uncontended_mutex");

// As channel_hand_over, but every second wait has a deadline that does not come to pass, earlier
// than those of `range` other fibers, which sleep: the difference, doubled, is what arming and
// cancelling a timer costs. The heap's part of it is measured in internal/timer_heap_benchmark.cc.
void TimerArmAndCancel(benchmark::State& state) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    TaskGroup sleepers;
    std::minstd_rand random(1);
    for (int64_t i = 0; i < state.range(0); ++i) {
      const absl::Duration duration = absl::Hours(1) + absl::Seconds(random() % 3600);
      sleepers.Spawn([duration] { return weft::SleepFor(duration); });
    }
    Channel<int> there(1);
    Channel<int> back(1);
    TaskGroup group;
    group.Spawn([&] {
      while (const std::optional<int> value = there.Receive()) {
        if (!back.Send(*value).ok()) return;
      }
    });
    const absl::Time deadline = weft::Now() + absl::Hours(1);
    while (state.KeepRunningBatch(2)) {
      there.Send(1).IgnoreError();
      benchmark::DoNotOptimize(back.ReceiveOr(deadline));
    }
    there.Close();
    group.Wait().IgnoreError();
  });
}
BENCHMARK(TimerArmAndCancel)->Name("weft/timer_arm_and_cancel")->Arg(0)->Arg(10'000);

// 10,000 fibers that sleep 1 to 10 ms at once; the processor's time for each of them.
void Sleepers(benchmark::State& state) {
  constexpr int kSleepers = 10'000;
  Runtime runtime({.shards = 1, .max_idle_fibers = kSleepers});
  runtime.Run([&] {
    std::minstd_rand random(1);
    while (state.KeepRunningBatch(kSleepers)) {
      TaskGroup group;
      for (int i = 0; i < kSleepers; ++i) {
        const absl::Duration duration = absl::Microseconds(1'000 + random() % 9'000);
        group.Spawn([duration] { return weft::SleepFor(duration); });
      }
      group.Wait().IgnoreError();
    }
  });
}
BENCHMARK(Sleepers)->Name("weft/10000_sleepers")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft
