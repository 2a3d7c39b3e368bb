// What the metrics interceptors cost a call. Count instructions with
// `valgrind --tool=callgrind --toggle-collect='*Intercept*'`.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "platform/fiber/runtime.h"
#include "platform/observability/metrics/client_calls.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/metrics/server_calls.h"
#include "platform/observability/testing/fake_call.h"

namespace weft::observability {
namespace {

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

void BM_ServerInterceptor(benchmark::State& state) {
  MetricsServerInterceptor interceptor;
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    FakeCall call(kGet);
    call.set_bytes(200, 5000);
    for (auto _ : state) {
      call.set_accepted_nanos(runtime.clock().MonotonicNanos());
      benchmark::DoNotOptimize(interceptor.Intercept(call, [] { return absl::OkStatus(); }));
    }
  });
}
BENCHMARK(BM_ServerInterceptor);

void BM_ClientInterceptor(benchmark::State& state) {
  MetricsClientInterceptor interceptor;
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    rpc::Metadata metadata;
    const std::string target = "dns:///pricing:50051";
    const absl::Status ok;
    for (auto _ : state) {
      rpc::OutgoingCall call{kGet, target, metadata, absl::InfiniteFuture()};
      interceptor.Start(call)->End({ok, 200, 5000});
    }
  });
}
BENCHMARK(BM_ClientInterceptor);

// What a scrape takes, on the thread that asks and never on a shard: methods that were served by
// two shards, and ended with two statuses each.
void BM_ScrapeOfServedMethods(benchmark::State& state) {
  MetricsServerInterceptor interceptor;
  std::vector<std::string> paths;
  for (int64_t i = 0; i < state.range(0); ++i) {
    paths.push_back("/shop.v1.Shop/Get" + std::to_string(i));
  }
  std::vector<rpc::MethodDescriptor> methods;
  for (const std::string& path : paths) methods.push_back({path.c_str(), rpc::MethodKind::kUnary});
  Runtime runtime({.shards = 2});
  for (int shard = 0; shard < 2; ++shard) {
    const auto serve = [&] {
      for (const rpc::MethodDescriptor& method : methods) {
        FakeCall call(method);
        interceptor.Intercept(call, [] { return absl::OkStatus(); }).IgnoreError();
        interceptor.Intercept(call, [] { return absl::NotFoundError("no"); }).IgnoreError();
      }
    };
    runtime.Run(serve, shard);
  }
  size_t bytes = 0;
  for (auto _ : state) bytes = RenderMetrics(interceptor).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_ScrapeOfServedMethods)->Arg(50)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::observability
