// One small use of each system library: it compiles, links, and runs in one process with the
// others. The point of having them together is the pair of Protobuf and Abseil copies, a static
// and a shared one, that every Weft executable holds (docs/adr/0001).
#include <benchmark/benchmark.h>
#include <civetweb.h>
#include <cjose/cjose.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <libunwind.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_options.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <zlib.h>

#include <boost/context/fiber.hpp>
#include <boost/fiber/all.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/health/v1/health.pb.h"

ABSL_FLAG(int, deps_test_flag, 7, "A flag for FlagsParse.");

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Abseil, ContainersStatusTimeAndRandomLink) {
  absl::flat_hash_map<std::string, int> map{{"one", 1}};
  absl::StatusOr<int> result = absl::NotFoundError(absl::StrFormat("%d is missing", map["one"]));
  EXPECT_EQ(result.status().message(), "1 is missing");
  absl::BitGen random;
  EXPECT_LT(absl::Uniform(random, 0, 10), 10);
  absl::Mutex mutex;
  absl::MutexLock lock(&mutex);
  EXPECT_GT(absl::Now(), absl::UnixEpoch());
  EXPECT_EQ(absl::Cord("rope").size(), 4U);
}

TEST(Abseil, FlagsParse) {
  std::string program = "deps_test";
  std::string argument = "--deps_test_flag=8";
  std::vector<char*> arguments = {program.data(), argument.data()};
  absl::ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
  EXPECT_EQ(absl::GetFlag(FLAGS_deps_test_flag), 8);
}

class HealthService final : public grpc::health::v1::Health::Service {
  grpc::Status Check(grpc::ServerContext*, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override {
    if (request->service() != "catalog") {
      return {grpc::StatusCode::NOT_FOUND, "unknown service"};
    }
    response->set_status(grpc::health::v1::HealthCheckResponse::SERVING);
    return grpc::Status::OK;
  }
};

TEST(Grpc, ServerAnswersAClient) {
  HealthService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);

  auto stub = grpc::health::v1::Health::NewStub(grpc::CreateChannel(
      absl::StrFormat("127.0.0.1:%d", port), grpc::InsecureChannelCredentials()));
  grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  request.set_service("catalog");
  grpc::ClientContext context;
  const grpc::Status status = stub->Check(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  server->Shutdown();
}

TEST(Protobuf, DescriptorsAndJsonWork) {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("catalog");
  std::string json;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(request, &json).ok());
  EXPECT_EQ(json, R"({"service":"catalog"})");
}

TEST(OpenTelemetry, SpanWithAttributesReachesTheInMemoryExporter) {
  namespace trace = opentelemetry::sdk::trace;
  auto exporter = std::make_unique<opentelemetry::exporter::memory::InMemorySpanExporter>();
  auto spans = exporter->GetData();
  auto provider = trace::TracerProviderFactory::Create(
      trace::SimpleSpanProcessorFactory::Create(std::move(exporter)));
  auto span = provider->GetTracer("deps_test")->StartSpan("work", {{"rpc.system", "grpc"}});
  span->SetAttribute("attempt", 2);
  span->End();
  auto ended = spans->GetSpans();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0]->GetName(), "work");
  const auto& attributes = ended[0]->GetAttributes();
  EXPECT_EQ(opentelemetry::nostd::get<std::string>(attributes.at("rpc.system")), "grpc");
}

TEST(OpenTelemetry, OtlpExporterShutsDownWithoutACollector) {
  opentelemetry::exporter::otlp::OtlpHttpExporterOptions options;
  options.url = "http://127.0.0.1:1/v1/traces";
  options.console_debug = false;
  auto exporter = opentelemetry::exporter::otlp::OtlpHttpExporterFactory::Create(options);
  auto recordable = exporter->MakeRecordable();
  recordable->SetName("lost");
  std::vector<std::unique_ptr<opentelemetry::sdk::trace::Recordable>> batch;
  batch.push_back(std::move(recordable));
  exporter->Export({batch.data(), batch.size()});  // Its result tells nothing: it is sent later.
  EXPECT_TRUE(exporter->Shutdown());
}

#if !defined(WEFT_SANITIZER)  // An unannotated switch of stacks confuses the sanitizers.
TEST(BoostFiber, FibersInterleave) {
  std::string trace;
  boost::fibers::fiber first([&] {
    trace += "a";
    boost::this_fiber::yield();
    trace += "c";
  });
  boost::fibers::fiber second([&] { trace += "b"; });
  first.join();
  second.join();
  EXPECT_EQ(trace, "abc");
}
#endif

TEST(Unwind, NamesTheFrameItStandsIn) {
  unw_context_t context;
  unw_cursor_t cursor;
  ASSERT_EQ(unw_getcontext(&context), 0);
  ASSERT_EQ(unw_init_local(&cursor, &context), 0);
  EXPECT_GT(unw_step(&cursor), 0);
}

TEST(Prometheus, CounterIsSerialized) {
  prometheus::Registry registry;
  prometheus::BuildCounter().Name("calls_total").Register(registry).Add({}).Increment();
  EXPECT_THAT(prometheus::TextSerializer().Serialize(registry.Collect()),
              HasSubstr("calls_total 1"));
}

TEST(Spdlog, WritesToItsSink) {
  std::ostringstream out;
  spdlog::logger logger("deps", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
  logger.info("value {}", 3);
  EXPECT_THAT(out.str(), HasSubstr("value 3"));
}

TEST(Json, ParsesAndPrints) { EXPECT_EQ(nlohmann::json::parse(R"({"a":[1]})")["a"][0], 1); }

TEST(Sqlite, AnswersAQuery) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "select 1", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
}

TEST(Zlib, SizesABuffer) { EXPECT_GT(compressBound(100), 100U); }

TEST(Civetweb, Starts) {
  ASSERT_NE(mg_version(), nullptr);
  mg_init_library(0);
  mg_exit_library();
}

TEST(Cjose, MakesAKey) {
  cjose_jwk_t* const key =
      cjose_jwk_create_oct_spec(reinterpret_cast<const uint8_t*>("secret"), 6, nullptr);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(cjose_jwk_get_keysize(key, nullptr), 48u) << "in bits";
  cjose_jwk_release(key);
}

TEST(Benchmark, KeepsAValue) {
  int value = 1;
  benchmark::DoNotOptimize(value);
  EXPECT_THAT(std::string(), IsEmpty());
}

}  // namespace
