// A call that blocks its fiber's thread, as a service tells it: a line in the log, a counter, and
// an event of the call's span.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/sdk/trace/span_data.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/testing/test_runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/runtime_telemetry.h"
#include "platform/observability/testing/recorded_tracing.h"

namespace weft::observability {
namespace {

namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

[[gnu::noinline]] void SaveOrder() {
  fsync(-1);  // is found before it fails
  asm volatile("");
}

// What is found goes on to RuntimeTelemetry; or another call in its place, on the same fiber.
class Observer final : public RuntimeObserver {
 public:
  void OnBlockingCall(const FiberLocals& locals, const BlockingCall& call) noexcept override {
    telemetry.OnBlockingCall(locals, instead == nullptr ? call : *instead);
  }
  bool DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept override {
    return telemetry.DescribeFiber(locals, text, size);
  }
  RuntimeTelemetry telemetry;
  const BlockingCall* instead = nullptr;
};

class BlockingCallsTest : public ::testing::Test {
 protected:
  BlockingCallsTest() {
    InitLogging({.write = [this](absl::string_view line) { lines_.emplace_back(line); }});
    before_ = SetBlockingCallHandler(nullptr);
  }
  ~BlockingCallsTest() override {
    SetBlockingCallHandler(before_);
    ShutdownLogging();
  }
  void SetUp() override {
    if (!BlockingCallsAreWatched()) GTEST_SKIP() << "in this build nothing is found";
  }

  void Serve(const char* traceparent, const std::function<void()>& handler) {
    runtime_.Run([&] { tracing_.Serve(kGet, traceparent, handler); });
  }
  // On the fiber of a call that is recorded.
  void Tell(const BlockingCall& call) {
    observer_.instead = &call;
    Serve(kSampled, SaveOrder);
  }

  std::vector<json> Lines() {
    EXPECT_TRUE(FlushLogs(absl::Seconds(60)));
    std::vector<json> parsed;
    for (const std::string& line : lines_) parsed.push_back(json::parse(line));
    return parsed;
  }
  // Of all spans so far.
  std::vector<sdk::SpanDataEvent> Events() {
    std::vector<sdk::SpanDataEvent> events;
    for (const std::unique_ptr<sdk::SpanData>& span : tracing_.TakeSpans()) {
      for (const sdk::SpanDataEvent& event : span->GetEvents()) events.push_back(event);
    }
    return events;
  }
  std::string Metrics() { return RenderMetrics(observer_.telemetry.blocking_calls()); }

  Observer observer_;
  TestRuntime runtime_{{.observer = &observer_}};
  std::vector<std::string> lines_;  // by the writer's thread; read after a flush
  RecordedTracing tracing_;
  BlockingCallHandler before_;
};

std::string Text(const sdk::SpanDataEvent& event, const std::string& attribute) {
  return nostd::get<std::string>(event.GetAttributes().at(attribute));
}

TEST_F(BlockingCallsTest, TheFirstOfAPlaceIsLoggedAndEachIsCountedAndAnEvent) {
  for (int i = 0; i < 2; ++i) Serve(kSampled, [] { SaveOrder(); });
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["level"], "warning");
  EXPECT_EQ(lines[0]["module"], "fiber");
  EXPECT_EQ(lines[0]["msg"], "a fiber blocks its thread");
  EXPECT_EQ(lines[0]["shard"], 0);
  EXPECT_EQ(lines[0]["trace_id"], kRecordedTraceId);
  EXPECT_EQ(lines[0]["call"], "Runtime::Run");
  EXPECT_EQ(lines[0]["function"], "fsync");
  EXPECT_THAT(lines[0]["stack"].get<std::string>(), HasSubstr("SaveOrder"));
  EXPECT_THAT(Metrics(),
              HasSubstr("weft_blocking_calls_found_total{shard=\"0\",kind=\"blocks\"} 2\n"));
  const std::vector<sdk::SpanDataEvent> events = Events();
  ASSERT_THAT(events, SizeIs(2));
  for (const sdk::SpanDataEvent& event : events) {
    EXPECT_EQ(event.GetName(), "weft.blocking_call");
    EXPECT_EQ(Text(event, "weft.blocking_call.function"), "fsync");
    EXPECT_EQ(Text(event, "weft.blocking_call.kind"), "blocks");
    EXPECT_EQ(nostd::get<int32_t>(event.GetAttributes().at("weft.shard")), 0);
  }
}

TEST_F(BlockingCallsTest, AWaitForALockSaysHowLongItTook) {
  Tell({.kind = BlockingCallKind::kWaitsForLock,
        .function = "pthread_mutex_lock",
        .nanos = 30'000'000});
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["msg"], "a fiber has blocked its thread for a lock");
  EXPECT_EQ(lines[0]["function"], "pthread_mutex_lock");
  EXPECT_NEAR(lines[0]["seconds"].get<double>(), 0.03, 1e-9);
  EXPECT_THAT(Metrics(), HasSubstr("{shard=\"0\",kind=\"waits_for_lock\"} 1\n"));
  const std::vector<sdk::SpanDataEvent> events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(Text(events[0], "weft.blocking_call.kind"), "waits_for_lock");
  EXPECT_NEAR(nostd::get<double>(events[0].GetAttributes().at("weft.blocking_call.seconds")), 0.03,
              1e-9);
}

TEST_F(BlockingCallsTest, AParkWithLocksSaysHowMany) {
  Tell({.kind = BlockingCallKind::kParksWithLock, .function = "park", .locks = 2});
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["msg"], "a fiber parks with a lock of its thread");
  EXPECT_EQ(lines[0]["locks"], 2);
  EXPECT_THAT(Metrics(), HasSubstr("{shard=\"0\",kind=\"parks_with_lock\"} 1\n"));
  const std::vector<sdk::SpanDataEvent> events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(Text(events[0], "weft.blocking_call.kind"), "parks_with_lock");
}

TEST_F(BlockingCallsTest, ACallThatIsNotSampledIsLoggedAndCountedWithoutAnEvent) {
  Serve(kUnsampled, [] { SaveOrder(); });
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["trace_id"], kRecordedTraceId);
  EXPECT_THAT(Metrics(), HasSubstr("kind=\"blocks\"} 1\n"));
  EXPECT_THAT(Events(), IsEmpty());
}

}  // namespace
}  // namespace weft::observability
