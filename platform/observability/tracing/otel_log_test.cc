#include "platform/observability/tracing/otel_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "platform/fiber/testing/simulated_clock.h"
#include "platform/observability/logging/log.h"

namespace weft::observability {
namespace {

using ::opentelemetry::sdk::common::internal_log::LogLevel;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(OtelLogHandler, LeavesOutWhatComesTooOftenAndSaysSo) {
  std::vector<std::string> lines;
  InitLogging({.write = [&](absl::string_view line) { lines.emplace_back(line); }});
  SimulatedClock clock;
  OtelLogHandler handler(clock);
  const uint64_t errors_before = OtelErrorsTotal();
  for (int i = 0; i < 100; ++i) handler.Handle(LogLevel::Error, "f", 1, "cannot export", {});
  clock.Advance(OtelLogHandler::kInterval);
  handler.Handle(LogLevel::Warning, "f", 1, "still not", {});
  ShutdownLogging();
  ASSERT_THAT(lines, SizeIs(OtelLogHandler::kLines + 1));
  EXPECT_THAT(lines[0], HasSubstr(R"("level":"error","msg":"cannot export")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("module":"opentelemetry")"));
  EXPECT_THAT(lines.back(), HasSubstr(R"("level":"warning","msg":"still not")"));
  EXPECT_THAT(lines.back(), HasSubstr(R"("lines_left_out_before":95)"));
  EXPECT_EQ(OtelErrorsTotal() - errors_before, 101u);
}

}  // namespace
}  // namespace weft::observability
