// What the metrics interceptors cost a call. Count instructions with
// `valgrind --tool=callgrind --toggle-collect='*Intercept*'`.
#include <benchmark/benchmark.h>

#include <string>

#include "platform/fiber/runtime.h"
#include "platform/observability/metrics/client_calls.h"
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

}  // namespace
}  // namespace weft::observability
