// What a sample of CpuSampler costs the fiber that it interrupts; see fiber_benchmark.cc.
#include <benchmark/benchmark.h>
#include <signal.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/base/check.h"
#include "platform/fiber/cpu_sampler.h"
#include "platform/fiber/runtime.h"

namespace weft {
namespace {

// As many frames as a call's handler has below it, and more.
[[gnu::noinline]] void AtDepth(int64_t depth, benchmark::State& state, CpuSampler* sampler) {
  if (depth > 0) {
    AtDepth(depth - 1, state, sampler);
    asm volatile("");  // No tail call.
    return;
  }
  int64_t undrained = 0;
  for (auto _ : state) {
    raise(SIGPROF);
    if (sampler != nullptr && ++undrained == 512) {
      state.PauseTiming();
      sampler->Drain([](absl::Span<const uintptr_t>) {});
      undrained = 0;
      state.ResumeTiming();
    }
  }
}

std::unique_ptr<CpuSampler> Start() {
  absl::StatusOr<std::unique_ptr<CpuSampler>> sampler = CpuSampler::Start(1);
  Check(sampler.ok(), "the benchmark needs SIGPROF for itself");
  return *std::move(sampler);
}

void Sample(benchmark::State& state) {
  const std::unique_ptr<CpuSampler> sampler = Start();
  Runtime runtime({.shards = 1, .stall_threshold = absl::ZeroDuration()});
  runtime.Run([&] { AtDepth(state.range(0), state, sampler.get()); });
}
BENCHMARK(Sample)->Name("weft/cpu_sample")->Arg(0)->Arg(20)->Arg(40);

// The signal alone, which nobody asked for.
void SignalWithoutSampler(benchmark::State& state) {
  Start().reset();
  Runtime runtime({.shards = 1, .stall_threshold = absl::ZeroDuration()});
  runtime.Run([&] { AtDepth(20, state, nullptr); });
}
BENCHMARK(SignalWithoutSampler)->Name("weft/cpu_sample_signal_alone");

}  // namespace
}  // namespace weft
