#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/base/testing/fake_cgroups.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/simulated_clock.h"
#include "platform/observability/metrics/admission_metrics.h"
#include "platform/observability/metrics/blocking_call_metrics.h"
#include "platform/observability/metrics/cgroup_metrics.h"
#include "platform/observability/metrics/channel_metrics.h"
#include "platform/observability/metrics/deadlock_metrics.h"
#include "platform/observability/metrics/drain_metrics.h"
#include "platform/observability/metrics/pool_metrics.h"
#include "platform/observability/metrics/process_metrics.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/metrics/runtime_metrics.h"
#include "platform/observability/metrics/server_metrics.h"
#include "platform/observability/metrics/stall_metrics.h"
#include "platform/observability/testing/fake_server.h"

namespace weft::observability {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LoopLagMetrics, RecordsEachTurnByShard) {
  LoopLagMetrics metrics;
  metrics.OnLoop(0, {.lag_nanos = 15'000});
  metrics.OnLoop(0, {.lag_nanos = 9'000'000'000});
  metrics.OnLoop(1, {.lag_nanos = -5});
  metrics.OnLoop(-1, {.lag_nanos = 1});
  metrics.OnLoop(kMaxMeasuredShards, {.lag_nanos = 1});
  const std::string text = RenderMetrics(metrics);
  EXPECT_THAT(text, HasSubstr("weft_loop_lag_seconds_bucket{shard=\"0\",le=\"1e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_loop_lag_seconds_bucket{shard=\"0\",le=\"2e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_loop_lag_seconds_bucket{shard=\"0\",le=\"5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_loop_lag_seconds_count{shard=\"0\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("weft_loop_lag_seconds_count{shard=\"1\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("shard=\"2\"")));
}

TEST(LoopLagMetrics, ARuntimeReportsToIt) {
  LoopLagMetrics metrics;
  {
    Runtime runtime({.shards = 1, .observer = &metrics});
    runtime.Run([] { Yield(); });
  }
  EXPECT_THAT(RenderMetrics(metrics), HasSubstr("weft_loop_lag_seconds_count{shard=\"0\"}"));
}

TEST(StallMetrics, CountsByCauseAndShowsEveryShardFromTheStart) {
  StallMetrics metrics;
  metrics.AddShards(2);
  metrics.Record({.shard = 1, .nanos = 30'000'000, .cause = StallCause::kBlocks});
  metrics.Record({.shard = 1, .nanos = 7'000'000'000, .cause = StallCause::kGetsNoCpu});
  metrics.AddShards(2);
  const std::string text = RenderMetrics(metrics);
  EXPECT_THAT(text, HasSubstr("weft_stalls_total{shard=\"0\",cause=\"blocks\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_stalls_total{shard=\"1\",cause=\"blocks\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_stalls_total{shard=\"1\",cause=\"no_cpu\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_stalls_total{shard=\"1\",cause=\"computes\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_stall_seconds_bucket{shard=\"1\",le=\"0.025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_stall_seconds_bucket{shard=\"1\",le=\"0.05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_stall_seconds_count{shard=\"1\"} 2\n"));
}

TEST(DeadlockMetrics, CountsByShardAndShowsEveryShardFromTheStart) {
  DeadlockMetrics metrics;
  metrics.AddShards(2);
  metrics.Record(1);
  metrics.Record(1);
  metrics.AddShards(2);
  const std::string text = RenderMetrics(metrics);
  EXPECT_THAT(text, HasSubstr("weft_deadlocks_total{shard=\"0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_deadlocks_total{shard=\"1\"} 2\n"));
}

TEST(BlockingCallMetrics, CountsByKindAndShowsEveryShardFromTheStart) {
  BlockingCallMetrics metrics;
  metrics.AddShards(2);
  metrics.Record({.kind = BlockingCallKind::kBlocks, .shard = 1});
  metrics.Record({.kind = BlockingCallKind::kBlocks, .shard = 1, .repeated = true});
  metrics.Record({.kind = BlockingCallKind::kWaitsForLock, .shard = 1});
  metrics.AddShards(2);
  const std::string text = RenderMetrics(metrics);
  const std::string name = "weft_blocking_calls_found_total";
  EXPECT_THAT(text, HasSubstr(name + "{shard=\"0\",kind=\"blocks\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "{shard=\"1\",kind=\"blocks\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "{shard=\"1\",kind=\"waits_for_lock\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "{shard=\"1\",kind=\"parks_with_lock\"} 0\n"));
}

TEST(RuntimeMetrics, ShowsEveryStateOfEveryShard) {
  Runtime runtime({.shards = 2});
  runtime.Run([] {}, 1);
  const std::string text = RenderMetrics(RuntimeMetrics(runtime));
  for (const char* state : {"running", "ready", "parked", "idle"}) {
    EXPECT_THAT(text, HasSubstr(std::string("weft_fibers{shard=\"1\",state=\"") + state + "\"}"));
  }
  EXPECT_THAT(text, HasSubstr("weft_fibers_spawned_total{shard=\"1\"} 1\n"));
  for (const char* name :
       {"weft_fibers_finished_total", "weft_run_queue_length", "weft_longest_run_seconds",
        "weft_loop_iterations_total", "weft_loop_busy_seconds_total", "weft_poll_events_total",
        "weft_timers"}) {
    EXPECT_THAT(text, HasSubstr(std::string(name) + "{shard=\"0\"} "));
  }
}

TEST(RuntimeMetrics, ShowsStacksBySize) {
  Runtime runtime({.shards = 1, .large_stack_bytes = 512 * 1024});
  runtime.Run([] {
    TaskGroup group({.stack = StackSize::kLarge});
    group.Spawn([] {});
    EXPECT_TRUE(group.Wait().ok());
  });
  const std::string text = RenderMetrics(RuntimeMetrics(runtime));
  EXPECT_THAT(text, HasSubstr("weft_stacks{shard=\"0\",size=\"default\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_stacks{shard=\"0\",size=\"small\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_stacks{shard=\"0\",size=\"large\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_stack_bytes{shard=\"0\",size=\"large\"} 524288\n"));
  EXPECT_THAT(text, HasSubstr("weft_stack_high_water_bytes{shard=\"0\",size=\"small\"} 0\n"));
}

TEST(RuntimeMetrics, CountsScopesByWhatCancelledThem) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    CancelScope outer;
    CancelScope inside;
    outer.Cancel(CancelCause::kOverload);
    inside.Cancel(CancelCause::kByHand);  // Too late.
    CancelScope timed({.deadline = Now() - absl::Seconds(1), .shield = true});
    CancelScope inside_timed;
    Channel<int> never(1);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(never.ReceiveOr().ok());
  });
  const std::string text = RenderMetrics(RuntimeMetrics(runtime));
  EXPECT_THAT(text, HasSubstr("weft_scopes_cancelled_total{shard=\"0\",cause=\"overload\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_scopes_cancelled_total{shard=\"0\",cause=\"deadline\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_scopes_cancelled_total{shard=\"0\",cause=\"by_hand\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("cause=\"none\"")));
}

TEST(AdmissionMetrics, ShowsLimitsByShardAndWhatWasTurnedAway) {
  rpc::Admission admission(2, {.initial_limit = 50});
  const std::string text = RenderMetrics(AdmissionMetrics(admission));
  EXPECT_THAT(text, HasSubstr("weft_admission_limit{shard=\"0\"} 50\n"));
  EXPECT_THAT(text, HasSubstr("weft_admission_limit{shard=\"1\"} 50\n"));
  EXPECT_THAT(text, HasSubstr("weft_admission_in_flight{shard=\"0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_admission_shed_total{criticality=\"sheddable\","
                              "reason=\"delay\"} 0\n"));
}

TEST(RuntimeMetrics, ShowsWhatEachShardHadOfTheCpu) {
  Runtime runtime({.shards = 2});
  runtime.Run([] {}, 1);
  const std::string text = RenderMetrics(RuntimeMetrics(runtime));
  EXPECT_THAT(text, ContainsRegex("weft_loop_cpu_seconds_total[{]shard=\"1\"[}] [0-9.e-]+[1-9]"));
  EXPECT_THAT(text, HasSubstr("weft_loop_cpu_wait_seconds_total{shard=\"0\"} "));
}

TEST(CgroupMetrics, ShowsQuotaThrottlingAndMemory) {
  FakeCgroups cgroups;
  cgroups.Write("/proc/self/mountinfo", kMountV2);
  cgroups.Write("/proc/self/cgroup", "0::/app\n");
  cgroups.Write("/sys/fs/cgroup/app/cpu.max", "50000 100000\n");
  cgroups.Write("/sys/fs/cgroup/app/cpu.stat",
                "nr_periods 9\nnr_throttled 4\nthrottled_usec 1500000\n");
  cgroups.Write("/sys/fs/cgroup/app/memory.max", "1048576\n");
  cgroups.Write("/sys/fs/cgroup/app/memory.current", "4096\n");
  const std::string text = RenderMetrics(CgroupMetrics(cgroups.Paths()));
  EXPECT_THAT(text, HasSubstr("weft_cpu_quota_cores 0.5\n"));
  EXPECT_THAT(text, HasSubstr("weft_cpu_periods_total 9\n"));
  EXPECT_THAT(text, HasSubstr("weft_cpu_throttled_periods_total 4\n"));
  EXPECT_THAT(text, HasSubstr("weft_cpu_throttled_seconds_total 1.5\n"));
  EXPECT_THAT(text, HasSubstr("weft_memory_limit_bytes 1048576\n"));
  EXPECT_THAT(text, HasSubstr("weft_memory_usage_bytes 4096\n"));
}

TEST(CgroupMetrics, WithoutCgroupsTheMachineIsTheLimit) {
  FakeCgroups cgroups;
  const std::string text = RenderMetrics(CgroupMetrics(cgroups.Paths()));
  EXPECT_THAT(text, ContainsRegex("weft_cpu_quota_cores [1-9]"));
  EXPECT_THAT(text, HasSubstr("weft_cpu_throttled_seconds_total 0\n"));
  EXPECT_THAT(text, ContainsRegex("weft_memory_limit_bytes [1-9]"));
  EXPECT_THAT(text, ContainsRegex("weft_memory_usage_bytes [1-9]"));
}

TEST(DrainMetrics, TellsHowLongItLastsAndMay) {
  SimulatedClock clock;
  DrainMetrics metrics(clock);
  EXPECT_THAT(RenderMetrics(metrics), HasSubstr("weft_drain_seconds 0\n"));
  metrics.Begin(absl::Seconds(33));
  clock.Advance(absl::Seconds(4));
  EXPECT_THAT(RenderMetrics(metrics), HasSubstr("weft_drain_seconds 4\n"));
  EXPECT_THAT(RenderMetrics(metrics), HasSubstr("weft_drain_limit_seconds 33\n"));
}

TEST(ChannelMetrics, ShowsBudgetsByTargetOfChannelsThatLive) {
  ChannelMetrics metrics;
  auto one = rpc::Channel::Create("dns:///pricing:1", {.retry = {.budget_tokens = 4}});
  auto other = rpc::Channel::Create("dns:///pricing:1", {.retry = {.budget_tokens = 4}});
  auto gone = rpc::Channel::Create("dns:///gone:1");
  ASSERT_TRUE(one.ok() && other.ok() && gone.ok());
  for (const auto& channel : {*one, *other, *gone}) metrics.Watch(channel);
  gone->reset();
  const std::string text = RenderMetrics(metrics);
  EXPECT_THAT(text, HasSubstr("weft_client_retry_budget_ratio{grpc_target=\"dns:///pricing:1\"} "
                              "1\n"));
  EXPECT_THAT(text, HasSubstr("weft_client_retry_budget_exhausted_total{grpc_target=\"dns:///"
                              "pricing:1\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("gone")));
}

TEST(BlockingPoolMetrics, ShowsThePoolByName) {
  BlockingPool pool({.name = "files", .threads = 3, .queue = 5});
  Runtime runtime({.shards = 1});
  runtime.Run([&] { EXPECT_TRUE(pool.Run([] { return absl::OkStatus(); }).ok()); });
  const std::string text = RenderMetrics(BlockingPoolMetrics(pool));
  EXPECT_THAT(text, HasSubstr("weft_blocking_threads{pool=\"files\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_blocking_threads_max{pool=\"files\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("weft_blocking_queue_length{pool=\"files\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_blocking_rejected_total{pool=\"files\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_blocking_given_up_total{pool=\"files\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weft_blocking_queue_wait_seconds_count{pool=\"files\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weft_blocking_busy_threads{pool=\"files\"} "));
}

TEST(ServerMetrics, ShowsConnectionsAndCalls) {
  FakeServer server({7, 3, 2, 4});
  const std::string text = RenderMetrics(ServerMetrics(server));
  EXPECT_THAT(text, HasSubstr("weft_connections_accepted_total 7\n"));
  EXPECT_THAT(text, HasSubstr("weft_connections_open 3\n"));
  EXPECT_THAT(text, HasSubstr("weft_connections_refused_total 4\n"));
  EXPECT_THAT(text, HasSubstr("weft_calls_in_flight 2\n"));
}

TEST(ProcessMetrics, ShowsThisProcess) {
  const std::string text = RenderMetrics(ProcessMetrics());
  for (const char* name :
       {"process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_virtual_memory_bytes", "process_open_fds", "process_max_fds", "process_threads"}) {
    EXPECT_THAT(text, ContainsRegex(std::string("\n") + name + " [0-9.e+]+\n"));
  }
  EXPECT_THAT(text, ContainsRegex("\nprocess_start_time_seconds 1[0-9.]+"));
}

TEST(ProcessStat, ANameWithBlanksAndParenthesesIsSkipped) {
  const auto stat = ParseProcessStat(
      "12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 20 0 17 0 4242 1000000 321 99\n");
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_EQ(stat->user_ticks, 250);
  EXPECT_EQ(stat->system_ticks, 50);
  EXPECT_EQ(stat->threads, 17);
  EXPECT_EQ(stat->start_ticks, 4242);
  EXPECT_EQ(stat->virtual_bytes, 1000000);
  EXPECT_EQ(stat->resident_pages, 321);
}

TEST(ProcessStat, AShortOrForeignTextIsRefused) {
  EXPECT_FALSE(ParseProcessStat("").ok());
  EXPECT_FALSE(ParseProcessStat("12 (a) S 1 2").ok());
  EXPECT_FALSE(ParseProcessStat("12 (a) S 1 2 3 4 5 6 7 8 9 10 x 50").ok());
}

TEST(BuildInfo, TellsServiceAndVersion) {
  EXPECT_THAT(RenderMetrics(BuildInfo("catalog", "1.4.0")),
              HasSubstr("weft_build_info{version=\"1.4.0\",service=\"catalog\"} 1\n"));
}

}  // namespace
}  // namespace weft::observability
