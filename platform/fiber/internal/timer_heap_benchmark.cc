// What a timer costs among a million armed ones, without the park around it; see
// fiber_benchmark.cc.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "platform/fiber/internal/timer_heap.h"
#include "platform/fiber/runtime.h"

namespace weft::internal {
namespace {

constexpr int64_t kHourNanos = 3'600'000'000'000;

enum class Which { kOne, kEarliest, kAny };

// Arms and cancels a timer among so many that are due within an hour.
void ArmAndCancel(benchmark::State& state, Which which) {
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    std::minstd_rand random(1);
    std::uniform_int_distribution<int64_t> deadline(0, kHourNanos);
    TimerHeap heap;
    std::vector<std::unique_ptr<Waiter>> pending;
    for (int64_t i = 0; i < state.range(0); ++i) {
      pending.push_back(std::make_unique<Waiter>(WaitInfo{}));
      heap.Add(deadline(random), *pending.back());
    }
    Waiter one{WaitInfo{}};
    for (auto _ : state) {
      if (which == Which::kAny) {
        Waiter& victim = *pending[random() % pending.size()];
        heap.Remove(victim);
        heap.Add(deadline(random), victim);
      } else {
        heap.Add(which == Which::kEarliest ? -1 : deadline(random), one);
        heap.Remove(one);
      }
    }
    for (const auto& waiter : pending) heap.Remove(*waiter);
  });
}

// A wait that ends well, and soon: the timer that is armed last is cancelled first.
void ArmAndCancelOne(benchmark::State& state) { ArmAndCancel(state, Which::kOne); }
BENCHMARK(ArmAndCancelOne)->Name("weft/timer_heap_arm_and_cancel")->Arg(10'000)->Arg(1'000'000);

// The same, due before all others: all the way up the heap, and down again.
void ArmAndCancelEarliest(benchmark::State& state) { ArmAndCancel(state, Which::kEarliest); }
BENCHMARK(ArmAndCancelEarliest)->Name("weft/timer_heap_earliest")->Arg(10'000)->Arg(1'000'000);

// Any of the million is cancelled and armed anew: neither it nor its place is in a cache.
void RearmAny(benchmark::State& state) { ArmAndCancel(state, Which::kAny); }
BENCHMARK(RearmAny)->Name("weft/timer_heap_rearm_any")->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace weft::internal
