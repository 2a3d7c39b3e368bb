#include "platform/observability/logging/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/testing/test_runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/logging/log_levels.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/tracing/fiber_context.h"
#include "platform/observability/tracing/sampling.h"

namespace weft::observability {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr rpc::MethodDescriptor kBuy = {"/shop.v1.Shop/Buy", rpc::MethodKind::kUnary};

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() {
    InitLogging({.write = [this](absl::string_view line) {
      lines_.push_back(nlohmann::json::parse(std::string(line)));
    }});
  }
  ~AccessLogTest() override { ShutdownLogging(); }

  // On a fiber, in a trace unless its ids are zero.
  absl::Status Serve(AccessLog& log, const TraceIds& ids, const absl::Status& status) {
    FakeCall call(kBuy);
    call.set_requested_method("shop.v1.Shop/Buy");
    call.set_bytes(31, 120);
    call.set_accepted_nanos(runtime_.clock().MonotonicNanos());
    const auto serve = [&] {
      return log.Intercept(call, [&] {
        EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(4)).ok());
        return status;
      });
    };
    if (!ids.valid()) return serve();
    ScopedTrace current(ids);
    return serve();
  }

  // After this the lines are all there.
  const std::vector<nlohmann::json>& Lines() {
    FlushLogs(absl::Seconds(60));
    return lines_;
  }

  std::vector<nlohmann::json> lines_;  // of the writer's thread, until Lines()
  TestRuntime runtime_;
};

TEST_F(AccessLogTest, ALineTellsMethodStatusDurationPeerBytesAndTrace) {
  AccessLog log(1);
  runtime_.Run([&] {
    EXPECT_THAT(Serve(log, BeginTrace(RatioThreshold(0)), absl::NotFoundError("no such sku")),
                StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("sku")));
  });
  ASSERT_THAT(Lines(), SizeIs(1));
  const nlohmann::json& line = lines_[0];
  EXPECT_EQ(line["msg"], "call");
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["module"], "access");
  EXPECT_EQ(line["method"], "shop.v1.Shop/Buy");
  EXPECT_EQ(line["code"], "NOT_FOUND");
  EXPECT_EQ(line["seconds"], 0.004);
  EXPECT_EQ(line["peer"], "ipv4:10.1.2.3:41234");
  EXPECT_EQ(line["request_bytes"], 31);
  EXPECT_EQ(line["response_bytes"], 120);
  EXPECT_THAT(line["trace_id"].get<std::string>(), SizeIs(32));
}

// A thousand traces through two services: what one logs, the other does, too.
TEST_F(AccessLogTest, ServicesAgreeByTraceId) {
  AccessLog front(0.3);
  AccessLog back(0.3);
  AccessLog rare(0.1);
  int logged = 0;
  runtime_.Run([&] {
    for (int i = 0; i < 1000; ++i) {
      const TraceIds ids = BeginTrace(RatioThreshold(0));
      const bool sampled = RatioThreshold(0.3).Samples(ids.trace_id);
      const bool rarely = RatioThreshold(0.1).Samples(ids.trace_id);
      EXPECT_TRUE(sampled || !rarely) << "the smaller share is a part of the larger";
      for (AccessLog* log : {&front, &back, &rare}) {
        EXPECT_THAT(Serve(*log, ids, absl::OkStatus()), IsOk());
      }
      logged += 2 * sampled + rarely;
    }
  });
  EXPECT_THAT(Lines(), SizeIs(logged));
  EXPECT_GT(logged, 400);  // 700 of 3000, give or take: 14 standard deviations
  EXPECT_LT(logged, 1000);
}

TEST_F(AccessLogTest, WithoutTracesTheShareIsKept) {
  AccessLog log(0.25);
  runtime_.Run([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_THAT(Serve(log, {}, absl::OkStatus()), IsOk());
  });
  // The same in every run: the ids are made of a counter.
  EXPECT_GT(Lines().size(), 200u);
  EXPECT_LT(Lines().size(), 300u);
}

TEST_F(AccessLogTest, ZeroAndTheModulesLevelSwitchItOff) {
  AccessLog none(0);
  AccessLog all(1);
  runtime_.Run([&] {
    EXPECT_THAT(Serve(none, BeginTrace(RatioThreshold(0)), absl::OkStatus()), IsOk());
    ASSERT_THAT(SetModuleLogLevel("access", Severity::kWarning), IsOk());
    EXPECT_THAT(Serve(all, BeginTrace(RatioThreshold(0)), absl::OkStatus()), IsOk());
  });
  EXPECT_THAT(Lines(), IsEmpty());
  ASSERT_THAT(ClearModuleLogLevel("access"), IsOk());
  runtime_.Run(
      [&] { EXPECT_THAT(Serve(all, BeginTrace(RatioThreshold(0)), absl::OkStatus()), IsOk()); });
  EXPECT_THAT(Lines(), SizeIs(1));
}

}  // namespace
}  // namespace weft::observability
