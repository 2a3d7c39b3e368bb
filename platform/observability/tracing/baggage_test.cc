#include "platform/observability/tracing/baggage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opentelemetry/baggage/baggage_context.h>
#include <opentelemetry/context/runtime_context.h>
#include <opentelemetry/trace/scope.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/testing/recorded_tracing.h"
#include "platform/observability/tracing/tracing.h"

namespace weft::observability {
namespace {

namespace baggage = opentelemetry::baggage;
namespace context = opentelemetry::context;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string Value(const std::string& key) {
  std::string value;
  return baggage::GetBaggage(context::RuntimeContext::GetCurrent())->GetValue(key, value)
             ? value
             : "(none)";
}

class BaggageTest : public ::testing::Test {
 protected:
  template <typename F>
  void Serve(const Headers& headers, F handler) {
    runtime_.Run([&] {
      FakeCall call(kGet, headers);
      EXPECT_TRUE(tracing_->server_interceptor()
                      .Intercept(call,
                                 [&] {
                                   handler();
                                   return absl::OkStatus();
                                 })
                      .ok());
      EXPECT_EQ(BaggageHeader(), "") << "it ends with the call";
    });
  }
  // What a call made here would send.
  std::optional<std::string> Sent(rpc::Metadata metadata = {}) {
    const std::string target = "dns:///pricing:50051";
    rpc::OutgoingCall outgoing{kGet, target, metadata, absl::InfiniteFuture()};
    auto tracker = tracing_->client_interceptor().Start(outgoing);
    if (tracker != nullptr) tracker->End({absl::OkStatus()});
    std::optional<std::string> found;
    for (const auto& [key, value] : metadata.entries()) {
      if (key == kBaggageKey) {
        EXPECT_EQ(found, std::nullopt) << "once";
        found = value;
      }
    }
    return found;
  }

  std::unique_ptr<Tracing> tracing_ = *Tracing::Start({.sample_ratio = 0});
  Runtime runtime_{{.shards = 1}};
};

TEST_F(BaggageTest, IsHandedOnByCallsThatAreNotRecorded) {
  Serve({{"traceparent", kUnsampled}, {"baggage", "tenant=blue,user=a%20b;since=1"}}, [&] {
    EXPECT_EQ(Value("tenant"), "blue");
    EXPECT_EQ(CurrentTraceIds(), *ParseTraceparent(kUnsampled));
    EXPECT_EQ(Sent(), "tenant=blue,user=a+b;since=1");
    TaskGroup group;
    group.Spawn([&] { EXPECT_EQ(Sent(), "tenant=blue,user=a+b;since=1"); });
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(BaggageTest, IsHandedOnWithoutATraceToo) {
  Serve({{"baggage", "tenant=blue"}}, [&] { EXPECT_EQ(Sent(), "tenant=blue"); });
}

TEST_F(BaggageTest, OfSeveralHeadersAllCount) {
  Serve({{"baggage", "tenant=blue"}, {"baggage", "user=1"}},
        [&] { EXPECT_EQ(Sent(), "tenant=blue,user=1"); });
}

TEST_F(BaggageTest, HandlersMayAddToIt) {
  Serve({{"baggage", "tenant=blue"}}, [&] {
    auto current = context::RuntimeContext::GetCurrent();
    const auto more = baggage::GetBaggage(current)->Set("user", "1");
    const auto token = context::RuntimeContext::Attach(baggage::SetBaggage(current, more));
    EXPECT_EQ(Sent(), "user=1,tenant=blue");
  });
}

TEST_F(BaggageTest, ACallersOwnIsLeftAlone) {
  Serve({{"baggage", "tenant=blue"}}, [&] {
    EXPECT_EQ(Sent({{"baggage", "tenant=red"}}), "tenant=red");
  });
}

TEST_F(BaggageTest, WithoutItNothingIsSent) {
  Serve({{"traceparent", kUnsampled}}, [&] { EXPECT_EQ(Sent(), std::nullopt); });
  Serve({{"baggage", ""}}, [&] { EXPECT_EQ(Sent(), std::nullopt); });
  Serve({{"baggage", std::string(10'000, 'x')}}, [&] { EXPECT_EQ(Sent(), std::nullopt); });
}

TEST(RecordedBaggage, IsHandedOnByRecordedCallsToo) {
  RecordedTracing recorded;
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    FakeCall call(kGet, {{"traceparent", kSampled}, {"baggage", "tenant=blue"}});
    recorded.tracing()
        .server_interceptor()
        .Intercept(call,
                   [&] {
                     EXPECT_EQ(Value("tenant"), "blue");
                     const auto span = Tracing::Tracer()->StartSpan("inner");
                     const opentelemetry::trace::Scope scope(span);
                     EXPECT_EQ(BaggageHeader(), "tenant=blue");
                     return absl::OkStatus();
                   })
        .IgnoreError();
  });
}

}  // namespace
}  // namespace weft::observability
