// Boost.Fiber as it comes, for comparison; see fiber_benchmark.cc.
#include <benchmark/benchmark.h>

#include <boost/fiber/all.hpp>
#include <vector>

namespace {

void Switch(benchmark::State& state) {
  bool stop = false;
  boost::fibers::fiber other([&] {
    while (!stop) boost::this_fiber::yield();
  });
  while (state.KeepRunningBatch(2)) boost::this_fiber::yield();
  stop = true;
  other.join();
}
BENCHMARK(Switch)->Name("stock_boost/switch");

void SpawnAndJoin(benchmark::State& state) {
  boost::fibers::pooled_fixedsize_stack stacks;
  std::vector<boost::fibers::fiber> fibers(static_cast<size_t>(state.range(0)));
  while (state.KeepRunningBatch(state.range(0))) {
    for (boost::fibers::fiber& fiber : fibers) {
      fiber = boost::fibers::fiber(std::allocator_arg, stacks, [] {});
    }
    for (boost::fibers::fiber& fiber : fibers) fiber.join();
  }
}
BENCHMARK(SpawnAndJoin)->Name("stock_boost/spawn_and_join")->Arg(1)->Arg(10);

void ChannelHandOver(benchmark::State& state) {
  boost::fibers::buffered_channel<int> there(2);
  boost::fibers::buffered_channel<int> back(2);
  boost::fibers::fiber other([&] {
    int value = 0;
    while (there.pop(value) == boost::fibers::channel_op_status::success) back.push(value);
  });
  while (state.KeepRunningBatch(2)) {
    int value = 0;
    there.push(1);
    back.pop(value);
    benchmark::DoNotOptimize(value);
  }
  there.close();
  other.join();
}
BENCHMARK(ChannelHandOver)->Name("stock_boost/channel_hand_over");

void UncontendedMutex(benchmark::State& state) {
  boost::fibers::mutex mutex;
  for (auto _ : state) {
    mutex.lock();
    mutex.unlock();
  }
}
BENCHMARK(UncontendedMutex)->Name("stock_boost/uncontended_mutex");

}  // namespace
