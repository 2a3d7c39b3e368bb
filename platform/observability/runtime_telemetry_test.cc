#include "platform/observability/runtime_telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/fiber/runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RuntimeTelemetryTest : public ::testing::Test {
 protected:
  RuntimeTelemetryTest() {
    InitLogging({.write = [this](absl::string_view line) {
      lines_.emplace_back(line);
      ++line_count_;
    }});
  }
  ~RuntimeTelemetryTest() override { ShutdownLogging(); }

  std::vector<json> Lines() {
    EXPECT_TRUE(FlushLogs(absl::Seconds(60)));
    std::vector<json> parsed;
    for (const std::string& line : lines_) parsed.push_back(json::parse(line));
    return parsed;
  }

  RuntimeTelemetry telemetry_;
  std::vector<std::string> lines_;  // by the writer's thread; read after a flush
  std::atomic<int> line_count_ = 0;
};

// Until the stall has been logged.
[[gnu::noinline]] void PriceLamps(const std::atomic<int>& lines) {
  while (lines == 0) delete new int;
  asm volatile("");
}

TEST_F(RuntimeTelemetryTest, AStallIsLoggedWithCallTraceAndStackAndItsEnd) {
  StallReport report{.shard = 2,
                     .fiber_id = 17,
                     .fiber_name = "shop.v1.Shop/Get",
                     .trace_id = "4bf9",
                     .nanos = 30'000'000,
                     .cause = StallCause::kBlocks,
                     .stack = {"nanosleep", "shop::Fetch()"},
                     .suppressed = 3};
  telemetry_.OnStall(report);
  telemetry_.OnStallEnd({.shard = 2,
                         .fiber_id = 17,
                         .nanos = 2'500'000'000,
                         .cause = StallCause::kBlocks,
                         .reported = true});
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["level"], "warning");
  EXPECT_EQ(lines[0]["module"], "fiber");
  EXPECT_EQ(lines[0]["msg"], "a shard is stalled");
  EXPECT_EQ(lines[0]["shard"], 2);
  EXPECT_EQ(lines[0]["trace_id"], "4bf9");
  EXPECT_EQ(lines[0]["call"], "shop.v1.Shop/Get");
  EXPECT_EQ(lines[0]["fiber"], 17);
  EXPECT_EQ(lines[0]["cause"], "blocks its thread");
  EXPECT_NEAR(lines[0]["seconds"].get<double>(), 0.03, 1e-9);
  EXPECT_EQ(lines[0]["stack"], "nanosleep\nshop::Fetch()");
  EXPECT_EQ(lines[0]["suppressed"], 3);
  EXPECT_EQ(lines[1]["msg"], "a stall is over");
  EXPECT_EQ(lines[1]["fiber"], 17);
  EXPECT_NEAR(lines[1]["seconds"].get<double>(), 2.5, 1e-9);
}

TEST_F(RuntimeTelemetryTest, WithoutAStackTheLineSaysWhy) {
  telemetry_.OnStall({.no_stack = "the program handles SIGURG itself"});
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["stack"], "the program handles SIGURG itself");
  EXPECT_FALSE(lines[0].contains("trace_id"));
}

TEST_F(RuntimeTelemetryTest, TheEndOfAStallThatWasNotReportedIsOnlyCounted) {
  telemetry_.OnStallEnd({.nanos = 30'000'000});
  EXPECT_THAT(Lines(), SizeIs(0));
  EXPECT_THAT(RenderMetrics(telemetry_.stalls()),
              HasSubstr("weft_stalls_total{shard=\"0\",cause=\"computes\"} 1\n"));
}

TEST_F(RuntimeTelemetryTest, OnARealRuntimeTheLineNamesFunctionAndTrace) {
  Runtime runtime({.shards = 1, .observer = &telemetry_});
  runtime.Run([&] {
    ScopedTrace scope(*ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
    PriceLamps(line_count_);
  });
  const std::vector<json> lines = Lines();
  EXPECT_THAT(lines[0]["stack"].get<std::string>(), ContainsRegex("PriceLamps"));
  EXPECT_EQ(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

}  // namespace
}  // namespace weft::observability
