#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/simulated_clock.h"
#include "platform/observability/metrics/client_calls.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/metrics/server_calls.h"
#include "platform/observability/testing/fake_call.h"

namespace weft::observability {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};
constexpr rpc::MethodDescriptor kList = {"/shop.v1.Shop/List", rpc::MethodKind::kUnary};
constexpr rpc::MethodDescriptor kOther = {"/other", rpc::MethodKind::kUnary};

class ShopService final : public rpc::Service {
 public:
  ShopService() {
    AddMethod(kGet, nullptr);
    AddMethod(kList, nullptr);
  }
};

void Serve(MetricsServerInterceptor& interceptor, const rpc::MethodDescriptor& method,
           absl::Status status) {
  FakeCall call(method);
  const absl::Status result = interceptor.Intercept(call, [&] { return status; });
  EXPECT_EQ(result, status);
}

TEST(MetricsServerInterceptor, CountsStartsAndEndsByMethodAndStatus) {
  MetricsServerInterceptor interceptor;
  Runtime runtime({.shards = 2});
  for (int shard = 0; shard < 2; ++shard) {
    runtime.Run(
        [&] {
          Serve(interceptor, kGet, absl::OkStatus());
          Serve(interceptor, kGet, absl::UnavailableError("gone"));
          Serve(interceptor, kOther, absl::UnimplementedError("no such method"));
        },
        shard);
  }
  const std::string text = RenderMetrics(interceptor);
  EXPECT_THAT(text,
              HasSubstr("grpc_server_call_started_total{grpc_method=\"shop.v1.Shop/Get\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("grpc_server_call_duration_seconds_count{grpc_method=\"shop.v1.Shop/"
                              "Get\",grpc_status=\"OK\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("grpc_server_call_duration_seconds_count{grpc_method=\"shop.v1.Shop/"
                              "Get\",grpc_status=\"UNAVAILABLE\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("grpc_server_call_started_total{grpc_method=\"other\"} 2\n"));
}

TEST(MetricsServerInterceptor, MeasuresFromTheAcceptanceOnTheRuntimesClock) {
  MetricsServerInterceptor interceptor;
  FakeCall call(kGet);
  call.set_bytes(/*received=*/100, /*sent=*/3000);
  SimulatedClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  runtime.Run([&] {
    call.set_accepted_nanos(clock.MonotonicNanos());
    const absl::Status status = interceptor.Intercept(call, [&] {
      clock.Advance(absl::Milliseconds(15));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok());
  });
  const std::string text = RenderMetrics(interceptor);
  const std::string labels = "{grpc_method=\"shop.v1.Shop/Get\",grpc_status=\"OK\"";
  EXPECT_THAT(text, HasSubstr("grpc_server_call_duration_seconds_sum" + labels + "} 0.015"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_bucket" + labels + ",le=\"0.013\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_bucket" + labels + ",le=\"0.016\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("rcvd_total_compressed_message_size_bytes_sum" + labels + "} 100\n"));
  EXPECT_THAT(text,
              HasSubstr("sent_total_compressed_message_size_bytes_sum" + labels + "} 3000\n"));
}

TEST(MetricsServerInterceptor, RegisteredMethodsShowBeforeTheirFirstCall) {
  MetricsServerInterceptor interceptor;
  EXPECT_THAT(RenderMetrics(interceptor), Not(HasSubstr("shop.v1.Shop")));
  ShopService service;
  interceptor.RegisterService(service);
  EXPECT_THAT(RenderMetrics(interceptor),
              HasSubstr("grpc_server_call_started_total{grpc_method=\"shop.v1.Shop/List\"} 0\n"));
}

TEST(MetricsServerInterceptor, ACallUnderWayIsStartedAndNotEnded) {
  MetricsServerInterceptor interceptor;
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    FakeCall call(kGet);
    interceptor
        .Intercept(call,
                   [&] {
                     const std::string text = RenderMetrics(interceptor);
                     EXPECT_THAT(text,
                                 HasSubstr("started_total{grpc_method=\"shop.v1.Shop/Get\"} 1"));
                     EXPECT_THAT(text, Not(HasSubstr("duration_seconds_count")));
                     return absl::OkStatus();
                   })
        .IgnoreError();
  });
}

TEST(MetricsServerInterceptor, CallsThatParkAndInterleaveAreAllCounted) {
  MetricsServerInterceptor interceptor;
  Runtime runtime({.shards = 1});
  runtime.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 50; ++i) {
      group.Spawn([&, i] {
        FakeCall call(i % 2 == 0 ? kGet : kList);
        interceptor
            .Intercept(call,
                       [] {
                         Yield();
                         return absl::OkStatus();
                       })
            .IgnoreError();
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  const std::string text = RenderMetrics(interceptor);
  EXPECT_THAT(text, HasSubstr("shop.v1.Shop/Get\",grpc_status=\"OK\"} 25\n"));
  EXPECT_THAT(text, HasSubstr("shop.v1.Shop/List\",grpc_status=\"OK\"} 25\n"));
}

TEST(MetricsServerInterceptor, CountsCancelledCallsByCauseWhateverTheirStatus) {
  MetricsServerInterceptor interceptor;
  SimulatedClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  runtime.Run([&] {
    for (const absl::Status& status : {absl::OkStatus(), absl::CancelledError("cancelled")}) {
      FakeCall call(kGet);
      EXPECT_EQ(interceptor.Intercept(call,
                                      [&] {
                                        call.scope().Cancel(CancelCause::kClientGone);
                                        return status;
                                      }),
                status);
    }
    FakeCall overdue(kList, {}, clock.MonotonicNanos() + 250'000'000);
    interceptor
        .Intercept(overdue,
                   [&] {
                     clock.Advance(absl::Seconds(1));
                     return absl::OkStatus();
                   })
        .IgnoreError();
    Serve(interceptor, kList, absl::OkStatus());
  });
  const std::string text = RenderMetrics(interceptor);
  EXPECT_THAT(text, HasSubstr("weft_calls_cancelled_total{grpc_method=\"shop.v1.Shop/"
                              "Get\",cause=\"client_gone\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("weft_calls_cancelled_total{grpc_method=\"shop.v1.Shop/"
                              "List\",cause=\"deadline\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_wasted_call_seconds_total{grpc_method=\"shop.v1.Shop/"
                              "Get\",cause=\"client_gone\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_wasted_call_seconds_total{grpc_method=\"shop.v1.Shop/"
                              "List\",cause=\"deadline\"} 0.75"));
}

TEST(MetricsServerInterceptor, AStatusThatGrpcDoesNotKnowCountsAsUnknown) {
  MetricsServerInterceptor interceptor;
  FakeCall call(kGet);
  interceptor.Intercept(call, [] { return absl::Status(static_cast<absl::StatusCode>(99), "odd"); })
      .IgnoreError();
  EXPECT_THAT(RenderMetrics(interceptor), HasSubstr("grpc_status=\"UNKNOWN\"} 1\n"));
}

TEST(MetricsClientInterceptor, CountsAttemptsAndCallsByTarget) {
  MetricsClientInterceptor interceptor;
  SimulatedClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  runtime.Run([&] {
    for (const std::string target : {"dns:///a:1", "dns:///b:2", "dns:///a:1"}) {
      rpc::Metadata metadata;
      rpc::OutgoingCall call{kGet, target, metadata, absl::InfiniteFuture()};
      auto tracker = interceptor.Start(call);
      ASSERT_NE(tracker, nullptr);
      clock.Advance(absl::Milliseconds(2));
      const absl::Status status = absl::DeadlineExceededError("late");
      tracker->End({status, 10, 20});
    }
  });
  const std::string text = RenderMetrics(interceptor);
  const std::string a = "grpc_method=\"shop.v1.Shop/Get\",grpc_target=\"dns:///a:1\"";
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_started_total{" + a + "} 2\n"));
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_duration_seconds_sum{" + a +
                              ",grpc_status=\"DEADLINE_EXCEEDED\"} 0.004"));
  EXPECT_THAT(text, HasSubstr("grpc_client_call_duration_seconds_count{" + a +
                              ",grpc_status=\"DEADLINE_EXCEEDED\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_rcvd_total_compressed_message_size_bytes_sum{" +
                              a + ",grpc_status=\"DEADLINE_EXCEEDED\"} 40\n"));
  EXPECT_THAT(text, HasSubstr("grpc_target=\"dns:///b:2\"} 1\n"));
}

TEST(MetricsClientInterceptor, CountsEveryAttemptOfARetriedCallAndTheCallOnce) {
  MetricsClientInterceptor interceptor;
  SimulatedClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  const absl::Status unavailable = absl::UnavailableError("no");
  const std::string target = "dns:///a:1";
  runtime.Run([&] {
    rpc::Metadata metadata;
    rpc::OutgoingCall call{kGet, target, metadata, absl::InfiniteFuture()};
    auto first = interceptor.Start(call);
    clock.Advance(absl::Milliseconds(2));
    first->End({unavailable, 10, 0, /*will_retry=*/true});
    clock.Advance(absl::Milliseconds(100));  // the wait
    call.attempt = 2;
    auto second = interceptor.Start(call);
    clock.Advance(absl::Milliseconds(4));
    second->End({absl::OkStatus(), 10, 20});
    first->EndRetriedCall(absl::OkStatus());
  });
  const std::string text = RenderMetrics(interceptor);
  const std::string labels = "grpc_method=\"shop.v1.Shop/Get\",grpc_target=\"dns:///a:1\"";
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_started_total{" + labels + "} 2\n"));
  EXPECT_THAT(text, HasSubstr("weft_client_retries_total{" + labels + "} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_client_hedges_total{" + labels + "} 0\n"));
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_duration_seconds_sum{" + labels +
                              ",grpc_status=\"UNAVAILABLE\"} 0.002"));
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_duration_seconds_sum{" + labels +
                              ",grpc_status=\"OK\"} 0.004"));
  EXPECT_THAT(text, HasSubstr("grpc_client_call_duration_seconds_count{" + labels +
                              ",grpc_status=\"OK\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("grpc_client_call_duration_seconds_sum{" + labels +
                              ",grpc_status=\"OK\"} 0.106"));
  EXPECT_THAT(text, Not(HasSubstr("grpc_client_call_duration_seconds_count{" + labels +
                                  ",grpc_status=\"UNAVAILABLE\"}")));
}

TEST(MetricsClientInterceptor, CountsHedgesApart) {
  MetricsClientInterceptor interceptor;
  SimulatedClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  const std::string target = "dns:///a:1";
  runtime.Run([&] {
    rpc::Metadata metadata;
    rpc::OutgoingCall call{kGet, target, metadata, absl::InfiniteFuture()};
    auto first = interceptor.Start(call);
    call.attempt = 2;
    call.hedge = true;
    auto hedge = interceptor.Start(call);
    hedge->End({absl::OkStatus()});
    first->End({absl::CancelledError("the hedge was first"), 0, 0, /*will_retry=*/true});
    first->EndRetriedCall(absl::OkStatus());
  });
  const std::string text = RenderMetrics(interceptor);
  const std::string labels = "grpc_method=\"shop.v1.Shop/Get\",grpc_target=\"dns:///a:1\"";
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_started_total{" + labels + "} 2\n"));
  EXPECT_THAT(text, HasSubstr("weft_client_retries_total{" + labels + "} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_client_hedges_total{" + labels + "} 1\n"));
}

TEST(MetricsClientInterceptor, CountsACallThatWasCancelledBeforeItsSecondAttempt) {
  MetricsClientInterceptor interceptor;
  SimulatedClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  const absl::Status unavailable = absl::UnavailableError("no");
  const std::string target = "dns:///a:1";
  runtime.Run([&] {
    rpc::Metadata metadata;
    rpc::OutgoingCall call{kGet, target, metadata, absl::InfiniteFuture()};
    auto first = interceptor.Start(call);
    first->End({unavailable, 10, 0, /*will_retry=*/true});
    clock.Advance(absl::Milliseconds(3));
    first->EndRetriedCall(absl::CancelledError("enough"));
  });
  const std::string text = RenderMetrics(interceptor);
  const std::string labels = "grpc_method=\"shop.v1.Shop/Get\",grpc_target=\"dns:///a:1\"";
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_started_total{" + labels + "} 1\n"));
  EXPECT_THAT(text, HasSubstr("grpc_client_attempt_duration_seconds_count{" + labels +
                              ",grpc_status=\"UNAVAILABLE\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("grpc_client_call_duration_seconds_sum{" + labels +
                              ",grpc_status=\"CANCELLED\"} 0.003"));
}

TEST(CallTable, TargetsBeyondItsBoundAreCountedTogether) {
  CallTable table;
  for (size_t i = 0; i < CallTable::kMaxEntries + 10; ++i) {
    table.Find(kGet, "target" + std::to_string(i)).Started();
  }
  CallTotalsMap totals;
  AddTotals(table, totals);
  EXPECT_EQ(totals.size(), CallTable::kMaxEntries + 1);
  EXPECT_EQ((totals[{"other", "other"}].started), 10u);
}

}  // namespace
}  // namespace weft::observability
