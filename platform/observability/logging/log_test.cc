#include "platform/observability/logging/log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/notification.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/observability/logging/grpc_log.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    InitLogging({.write = [this](absl::string_view line) { lines_.emplace_back(line); }});
  }
  ~LogTest() override { ShutdownLogging(); }

  std::vector<json> Lines() {
    EXPECT_TRUE(FlushLogs(absl::Seconds(60)));
    std::vector<json> parsed;
    for (const std::string& line : lines_) parsed.push_back(json::parse(line));
    return parsed;
  }

  std::vector<std::string> lines_;  // by the writer's thread; read after a flush
};

TEST_F(LogTest, ALineHoldsMessageLevelTimeAndFields) {
  const std::string text = "b\"c";
  Log(Severity::kWarning, "a\nb",
      {{"port", 50051},
       {"text", text},
       {"view", std::string_view("v")},
       {"ratio", 0.5},
       {"tls", false},
       {"big", uint64_t{1} << 63},
       {"literal", "x"}});
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  const json& line = lines[0];
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["msg"], "a\nb");
  EXPECT_EQ(line["port"], 50051);
  EXPECT_EQ(line["text"], text);
  EXPECT_EQ(line["view"], "v");
  EXPECT_EQ(line["ratio"], 0.5);
  EXPECT_EQ(line["tls"], false);
  EXPECT_EQ(line["big"], uint64_t{1} << 63);
  EXPECT_EQ(line["literal"], "x");
  EXPECT_THAT(line["ts"].get<std::string>(),
              MatchesRegex("2[0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
                           "\\.[0-9]{6}Z"));
  EXPECT_FALSE(line.contains("trace_id"));
  EXPECT_FALSE(line.contains("shard"));
  EXPECT_FALSE(line.contains("module"));
}

TEST_F(LogTest, KeysOfTheLineItselfAreNotOverwritten) {
  constexpr Logger kLog("catalog");
  kLog.Error("real", {{"msg", "fake"}, {"level", 7}});
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["msg"], "real");
  EXPECT_EQ(lines[0]["msg_"], "fake");
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_EQ(lines[0]["module"], "catalog");
}

TEST_F(LogTest, AThreadOfNoShardMayTellOfOne) {
  Log(Severity::kWarning, "about", {{"shard", 3}, {"trace_id", "4bf9"}, {"span_id", ""}});
  Runtime runtime({.shards = 1});
  runtime.Run([] { Log(Severity::kWarning, "from", {{"shard", 3}, {"trace_id", "4bf9"}}); });
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["shard"], 3);
  EXPECT_EQ(lines[0]["trace_id"], "4bf9");
  EXPECT_FALSE(lines[0].contains("span_id"));
  EXPECT_EQ(lines[1]["shard"], 0);
  EXPECT_EQ(lines[1]["shard_"], 3);
  EXPECT_EQ(lines[1]["trace_id_"], "4bf9");
}

TEST_F(LogTest, TheFibersTraceAndShardAreNamed) {
  Runtime runtime({.shards = 2});
  runtime.Run(
      [] {
        const auto ids =
            ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        ScopedTrace scope(*ids);
        TaskGroup group;
        group.Spawn([] {
          Yield();
          Log(Severity::kInfo, "in a child");
        });
        EXPECT_TRUE(group.Wait().ok());
      },
      1);
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(lines[0]["span_id"], "00f067aa0ba902b7");
  EXPECT_EQ(lines[0]["shard"], 1);
}

TEST_F(LogTest, TheLevelIsSetAtRunTime) {
  Log(Severity::kDebug, "hidden");
  SetLogLevel(Severity::kDebug);
  EXPECT_TRUE(LogEnabled(Severity::kDebug));
  Log(Severity::kDebug, "shown");
  SetLogLevel(Severity::kError);
  EXPECT_FALSE(LogEnabled(Severity::kWarning));
  Log(Severity::kWarning, "hidden too");
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["msg"], "shown");
}

TEST_F(LogTest, GrpcsOwnLogArrives) {
  RouteGrpcLog();
  gpr_log_verbosity_init();  // grpc_init() does it
  gpr_log(GPR_ERROR, "broken %d", 7);
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["msg"], "broken 7");
  EXPECT_EQ(lines[0]["module"], "grpc");
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_THAT(lines[0]["source"].get<std::string>(), HasSubstr("log_test.cc:"));
}

TEST(Logging, AStuckOutputDropsLinesAndNeverBlocksTheCaller) {
  absl::Notification stuck;
  absl::Notification unstick;
  std::vector<std::string> lines;
  InitLogging({.queue_lines = 10, .write = [&](absl::string_view line) {
                 if (lines.empty()) {
                   stuck.Notify();
                   unstick.WaitForNotification();
                 }
                 lines.emplace_back(line);
               }});
  const uint64_t dropped_before = LogDroppedTotal();
  Log(Severity::kInfo, "first");
  stuck.WaitForNotification();
  for (int i = 0; i < 25; ++i) Log(Severity::kInfo, "line", {{"i", i}});
  EXPECT_EQ(LogDroppedTotal() - dropped_before, 15u);
  EXPECT_FALSE(FlushLogs(absl::ZeroDuration()));
  unstick.Notify();
  ShutdownLogging(absl::Seconds(60));
  EXPECT_THAT(lines.back(), HasSubstr("\"i\":24")) << "the newest lines stay";
  EXPECT_GE(LogDroppedTotal() - dropped_before, 15u);
}

TEST(Logging, ShutdownDoesNotWaitForAnOutputThatIsStuck) {
  absl::Notification unstick;
  absl::Notification done;
  InitLogging({.write = [&](absl::string_view) {
    unstick.WaitForNotification();
    done.Notify();
  }});
  Log(Severity::kInfo, "first");
  ShutdownLogging(absl::Milliseconds(10));
  unstick.Notify();
  done.WaitForNotification();
}

// What `write` puts on stderr, as a whole.
template <typename F>
std::string CaptureStderr(F write) {
  std::FILE* file = std::tmpfile();
  const int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  write();
  dup2(saved, STDERR_FILENO);
  close(saved);
  std::string text(static_cast<size_t>(lseek(fileno(file), 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(fileno(file), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  std::fclose(file);
  return text;
}

TEST(Logging, WorksOnStderrBeforeAnInitAndAfterAShutdown) {
  const std::string text = CaptureStderr([] { Log(Severity::kError, "early", {{"n", 1}}); });
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(json::parse(text)["msg"], "early");
}

TEST(Logging, WritesToStderrThroughTheQueue) {
  const std::string text = CaptureStderr([] {
    InitLogging({});
    Log(Severity::kError, "queued");
    ShutdownLogging(absl::Seconds(60));
  });
  EXPECT_EQ(json::parse(text)["msg"], "queued");
}

TEST(Severity, NamesAreReadBack) {
  for (Severity severity :
       {Severity::kDebug, Severity::kInfo, Severity::kWarning, Severity::kError}) {
    EXPECT_EQ(*ParseSeverity(SeverityName(severity)), severity);
  }
  EXPECT_THAT(std::string(ParseSeverity("loud").status().message()),
              HasSubstr("\"loud\" is none of \"debug\", \"info\""));
}

// One line a second after 200: how many more there are depends on how long the loop takes.
TEST(LogRepeats, AStormOfOneStatementIsCutAndCountedAndOthersAreNot) {
  std::vector<nlohmann::json> lines;
  InitLogging({.repeats_per_second = 1, .write = [&](absl::string_view line) {
                 lines.push_back(nlohmann::json::parse(std::string(line)));
               }});
  const uint64_t left_out_before = LogRepeatsLeftOutTotal();
  constexpr Logger kLog("storm");
  for (int i = 0; i < 500; ++i) kLog.Warning("again", {{"i", i}});
  kLog.Warning("something else");
  for (int i = 0; i < 300; ++i) kLog.Info("bounded otherwise", {}, kNoLogLimit);
  ShutdownLogging();

  const uint64_t left_out = LogRepeatsLeftOutTotal() - left_out_before;
  EXPECT_GT(left_out, 0u);
  EXPECT_LE(left_out, 300u);
  EXPECT_EQ(lines.size() + left_out, 500u + 1 + 300);
  EXPECT_EQ(lines[0]["msg"], "again");
  EXPECT_FALSE(lines[0].contains("repeats_left_out"));
}

}  // namespace
}  // namespace weft::observability
