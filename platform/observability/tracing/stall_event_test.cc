// The event "weft.stall" reaches the call's span, wherever in the call the stall was.
#include "platform/observability/tracing/stall_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/trace/scope.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/observability/testing/recorded_tracing.h"
#include "platform/observability/tracing/tracing.h"

namespace weft::observability {
namespace {

namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

// Since then no run has been reported. Used on the shard's thread.
bool stalled = false;

void Stall() {
  stalled = true;
  while (Runtime::CurrentStallNanos() == 0) {
  }
}

// As RuntimeTelemetry does, with the runs that stalled by Stall(): on a machine that is busy with
// others, a thread without a processor stalls anywhere.
class Observer final : public RuntimeObserver {
 public:
  void OnLongRun(const FiberLocals& locals, int64_t nanos) noexcept override {
    if (!std::exchange(stalled, false)) return;
    char text[33];
    EXPECT_FALSE(DescribeTrace(locals, text, sizeof(text) - 1)) << "no room for the zero byte";
    described.emplace_back(DescribeTrace(locals, text, sizeof(text)) ? text : "none");
    AddStallEvent(locals, nanos);
  }
  std::vector<std::string> described;
};

// One, or more on such a machine.
auto AllAre(const char* text) { return AllOf(Not(IsEmpty()), Each(std::string(text))); }

class StallEventTest : public ::testing::Test {
 protected:
  void Serve(const char* traceparent, const std::function<void()>& handler) {
    runtime_.Run([&] { tracing_.Serve(kGet, traceparent, handler); });
  }

  // The spans that have the event, by name, once for each.
  std::vector<std::string> Stalled() {
    std::vector<std::string> names;
    for (const std::unique_ptr<sdk::SpanData>& span : tracing_.TakeSpans()) {
      for (const sdk::SpanDataEvent& event : span->GetEvents()) {
        EXPECT_EQ(event.GetName(), "weft.stall");
        const auto& attributes = event.GetAttributes();
        EXPECT_GT(nostd::get<double>(attributes.at("weft.stall.seconds")), 0.001);
        EXPECT_EQ(nostd::get<int32_t>(attributes.at("weft.shard")), 0);
        names.emplace_back(span->GetName());
      }
    }
    return names;
  }

  Observer observer_;
  Runtime runtime_{{.shards = 1, .observer = &observer_, .stall_threshold = absl::Milliseconds(1)}};
  RecordedTracing tracing_;
};

// The span ends before the fiber parks.
TEST_F(StallEventTest, AHandlerThatStallsAndReturns) {
  Serve(kSampled, [] { Stall(); });
  EXPECT_THAT(Stalled(), AllAre("shop.v1.Shop/Get"));
}

// What the fiber parks in, a call of its own say, is not to blame.
TEST_F(StallEventTest, AHandlerThatStallsAndParksInAnInnerSpan) {
  Serve(kSampled, [] {
    Stall();
    trace::Scope scope(Tracing::Tracer()->StartSpan("inner"));
    weft::Yield();
  });
  EXPECT_THAT(Stalled(), AllAre("shop.v1.Shop/Get"));
  EXPECT_THAT(observer_.described, ElementsAre(kRecordedTraceId));
}

TEST_F(StallEventTest, AChildThatStallsAndEnds) {
  Serve(kSampled, [] {
    TaskGroup group;
    group.Spawn("child", [] { Stall(); });
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_THAT(Stalled(), AllAre("shop.v1.Shop/Get"));
  EXPECT_THAT(observer_.described, ElementsAre(kRecordedTraceId));
}

TEST_F(StallEventTest, ACallThatIsNotSampledHasATraceIdAndNoEvent) {
  Serve(kUnsampled, [] {
    Stall();
    weft::Yield();
  });
  EXPECT_THAT(Stalled(), IsEmpty());
  EXPECT_THAT(observer_.described, ElementsAre(kRecordedTraceId));
}

TEST_F(StallEventTest, AFiberWithoutACallHasNeither) {
  runtime_.Run([] {
    Stall();
    weft::Yield();
  });
  EXPECT_THAT(Stalled(), IsEmpty());
  EXPECT_THAT(observer_.described, ElementsAre("none"));
}

}  // namespace
}  // namespace weft::observability
