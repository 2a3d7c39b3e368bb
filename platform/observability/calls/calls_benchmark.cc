// What recording costs a call that is not kept, and a call that it makes. Count instructions with
// `valgrind --tool=callgrind --toggle-collect='*ServedCalls*Intercept*'`.
#include <benchmark/benchmark.h>

#include <string>

#include "platform/fiber/runtime.h"
#include "platform/observability/calls/call_recorder.h"
#include "platform/observability/testing/fake_call.h"

namespace weft::observability {
namespace {

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

void BM_ServedCall(benchmark::State& state) {
  CallRecorder recorder;
  Runtime runtime({.shards = 1});
  recorder.AddShards(runtime);
  runtime.Run([&] {
    FakeCall call(kGet);
    for (auto _ : state) {
      call.set_accepted_nanos(runtime.clock().MonotonicNanos());
      benchmark::DoNotOptimize(
          recorder.server_interceptor().Intercept(call, [] { return absl::OkStatus(); }));
    }
  });
}
BENCHMARK(BM_ServedCall);

void BM_MadeCall(benchmark::State& state) {
  CallRecorder recorder;
  Runtime runtime({.shards = 1});
  recorder.AddShards(runtime);
  runtime.Run([&] {
    FakeCall call(kGet);
    rpc::Metadata metadata;
    const std::string target = "dns:///pricing:50051";
    const absl::Status ok;
    recorder.server_interceptor()
        .Intercept(call,
                   [&] {
                     for (auto _ : state) {
                       rpc::OutgoingCall made{kGet, target, metadata, absl::InfiniteFuture()};
                       recorder.client_interceptor().Start(made)->End({ok, 200, 5000});
                     }
                     return absl::OkStatus();
                   })
        .IgnoreError();
  });
}
BENCHMARK(BM_MadeCall);

}  // namespace
}  // namespace weft::observability
