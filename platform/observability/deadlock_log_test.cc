#include "platform/observability/deadlock_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/runtime_telemetry.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class DeadlockLogTest : public ::testing::Test {
 protected:
  DeadlockLogTest() {
    InitLogging({.write = [this](absl::string_view line) { lines_.emplace_back(line); }});
  }
  ~DeadlockLogTest() override { ShutdownLogging(); }

  // Once the DeadlockLog is gone.
  std::vector<json> Lines() {
    EXPECT_TRUE(FlushLogs(absl::Seconds(60)));
    std::vector<json> parsed;
    for (const std::string& line : lines_) parsed.push_back(json::parse(line));
    return parsed;
  }

  std::vector<std::string> lines_;  // by the writer's thread; read after a flush
};

// Fibers 1 to `size`, each of which waits for the next one.
std::vector<FiberInfo> Ring(uint64_t size) {
  std::vector<FiberInfo> ring;
  for (uint64_t id = 1; id <= size; ++id) {
    ring.push_back({.id = id, .owner_id = id % size + 1});
  }
  return ring;
}

TEST_F(DeadlockLogTest, TheRingGetsALineAndEachOfItsFibers) {
  std::optional<DeadlockLog> log(std::in_place);
  log->Add({{.id = 17,
             .shard = 2,
             .name = "shop.v1.Shop/Get",
             .waits_for = "mutex",
             .age_nanos = 1'500'000'000,
             .owner_id = 28,
             .trace_id = "4bf9"},
            {.id = 28, .shard = 2, .name = "restock", .waits_for = "once", .owner_id = 17}});
  log.reset();
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(3));
  for (const json& line : lines) {
    EXPECT_EQ(line["level"], "error");
    EXPECT_EQ(line["module"], "fiber");
    EXPECT_EQ(line["shard"], 2);
    EXPECT_EQ(line["ring"], "17 > 28 > 17");
  }
  EXPECT_EQ(lines[0]["fibers"], 2);
  EXPECT_EQ(lines[0]["suppressed"], 0);
  EXPECT_EQ(lines[1]["trace_id"], "4bf9");
  EXPECT_EQ(lines[1]["call"], "shop.v1.Shop/Get");
  EXPECT_EQ(lines[1]["fiber"], 17);
  EXPECT_EQ(lines[1]["waits_for"], "mutex");
  EXPECT_EQ(lines[1]["held_by"], 28);
  EXPECT_EQ(lines[1]["seconds"], 1.5);
  EXPECT_EQ(lines[2]["call"], "restock");
  EXPECT_FALSE(lines[2].contains("trace_id"));
}

TEST_F(DeadlockLogTest, OfALargeRingSomeFibersAreLeftOut) {
  std::optional<DeadlockLog> log(std::in_place);
  log->Add(Ring(DeadlockLog::kMaxFibersLogged + 1));
  log.reset();
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1 + DeadlockLog::kMaxFibersLogged));
  EXPECT_EQ(lines[0]["fibers"], DeadlockLog::kMaxFibersLogged + 1);
  EXPECT_THAT(lines[0]["ring"].get<std::string>(), HasSubstr("16 > … > 1"));
}

TEST_F(DeadlockLogTest, EveryRingIsLoggedOrCounted) {
  std::optional<DeadlockLog> log(std::in_place);
  constexpr uint64_t kRings = 100 * DeadlockLog::kMaxWaitingRings;
  for (uint64_t i = 0; i < kRings; ++i) log->Add(Ring(2));
  log.reset();
  uint64_t told = 0;
  for (const json& line : Lines()) {
    if (line.contains("fibers")) told += 1 + line["suppressed"].get<uint64_t>();
  }
  EXPECT_EQ(told, kRings);
}

TEST_F(DeadlockLogTest, WithoutARingThereIsNeitherThreadNorLine) {
  std::optional<DeadlockLog> log(std::in_place);
  log->Add({});
  log.reset();
  EXPECT_THAT(Lines(), SizeIs(0));
}

[[gnu::noinline]] void ReserveBoth(Mutex& first, Mutex& second) {
  first.Lock();
  weft::Yield();
  if (second.LockCancellable().ok()) second.Unlock();
  first.Unlock();
}

TEST_F(DeadlockLogTest, OnARuntimeTheLinesNameCallsTracesAndFunctions) {
  std::optional<RuntimeTelemetry> telemetry(std::in_place);
  {
    TestRuntime runtime({.observer = &*telemetry});
    runtime.Run([] {
      ScopedTrace scope(
          *ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
      Mutex lamps;
      Mutex bulbs;
      TaskGroup group({.deadline = Now() + absl::Seconds(1)});
      group.Spawn("lamp", [&] { ReserveBoth(lamps, bulbs); });
      group.Spawn("bulb", [&] { ReserveBoth(bulbs, lamps); });
      static_cast<void>(group.Wait());
    });
  }
  EXPECT_THAT(RenderMetrics(telemetry->deadlocks()),
              HasSubstr("weft_deadlocks_total{shard=\"0\"} 1\n"));
  telemetry.reset();
  const std::vector<json> lines = Lines();
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0]["fibers"], 2);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(lines[i]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(lines[i]["waits_for"], "mutex");
#ifdef __x86_64__
    EXPECT_THAT(lines[i]["stack"].get<std::string>(),
                HasSubstr("weft::Mutex::LockCancellable()\n"));
    EXPECT_THAT(lines[i]["stack"].get<std::string>(), HasSubstr("ReserveBoth"));
#endif
  }
}

}  // namespace
}  // namespace weft::observability
