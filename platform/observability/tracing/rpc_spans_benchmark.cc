// What tracing costs a call that is not recorded, and one that is.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "opentelemetry/sdk/trace/span_data.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/tracing/tracing.h"

namespace weft::observability {
namespace {

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};
constexpr char kUnsampled[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

// Takes spans and drops them.
class NoProcessor final : public opentelemetry::sdk::trace::SpanProcessor {
 public:
  std::unique_ptr<opentelemetry::sdk::trace::Recordable> MakeRecordable() noexcept override {
    return std::make_unique<opentelemetry::sdk::trace::SpanData>();
  }
  void OnStart(opentelemetry::sdk::trace::Recordable&,
               const opentelemetry::trace::SpanContext&) noexcept override {}
  void OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&&) noexcept override {}
  bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool Shutdown(std::chrono::microseconds) noexcept override { return true; }
};

std::unique_ptr<Tracing> Start(double ratio) {
  return *Tracing::StartWithProcessor({.sample_ratio = ratio}, std::make_unique<NoProcessor>());
}

void Serve(benchmark::State& state, double ratio,
           std::vector<std::pair<std::string, std::string>> metadata) {
  auto tracing = Start(ratio);
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    FakeCall call(kGet, std::move(metadata));
    for (auto _ : state) {
      benchmark::DoNotOptimize(
          tracing->server_interceptor().Intercept(call, [] { return absl::OkStatus(); }));
    }
  });
}

void BM_ServeWithoutHeaders(benchmark::State& state) {
  Serve(state, 0, {{"user-agent", "grpc-c++/1.51.1"}});
}
BENCHMARK(BM_ServeWithoutHeaders);

void BM_ServeUnsampledParent(benchmark::State& state) {
  Serve(state, 0, {{"user-agent", "grpc-c++/1.51.1"}, {"traceparent", kUnsampled}});
}
BENCHMARK(BM_ServeUnsampledParent);

void BM_ServeRecorded(benchmark::State& state) {
  Serve(state, 1, {{"user-agent", "grpc-c++/1.51.1"}});
}
BENCHMARK(BM_ServeRecorded);

void BM_CallUnsampled(benchmark::State& state) {
  auto tracing = Start(0);
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    ScopedTrace scope(*ParseTraceparent(kUnsampled));
    const std::string target = "dns:///pricing:50051";
    for (auto _ : state) {
      rpc::Metadata metadata;
      rpc::OutgoingCall call{kGet, target, metadata, absl::InfiniteFuture()};
      benchmark::DoNotOptimize(tracing->client_interceptor().Start(call));
    }
  });
}
BENCHMARK(BM_CallUnsampled);

}  // namespace
}  // namespace weft::observability
