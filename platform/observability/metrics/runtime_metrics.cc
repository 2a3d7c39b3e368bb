#include "platform/observability/metrics/runtime_metrics.h"

#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kLoopLag = CataloguedMetric("weft_loop_lag_seconds");
constexpr const Metric& kFibers = CataloguedMetric("weft_fibers");
constexpr const Metric& kScopesCancelled = CataloguedMetric("weft_scopes_cancelled_total");
constexpr const Metric& kLoopCpu = CataloguedMetric("weft_loop_cpu_seconds_total");
constexpr const Metric& kLoopCpuWait = CataloguedMetric("weft_loop_cpu_wait_seconds_total");

// The kernel's Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat": nanoseconds on a
// CPU, and nanoseconds runnable without one.
void AddThreadTimes(const ShardStats& stats, prometheus::MetricFamily& cpu,
                    prometheus::MetricFamily& wait) {
  std::ifstream file(absl::StrCat("/proc/self/task/", stats.thread_id, "/schedstat"));
  double cpu_nanos = 0;
  double wait_nanos = 0;
  if (!(file >> cpu_nanos >> wait_nanos)) return;  // a kernel without CONFIG_SCHED_INFO
  const std::string shard = std::to_string(stats.shard);
  AddSample(cpu, kLoopCpu, {shard}, 1e-9 * cpu_nanos);
  AddSample(wait, kLoopCpuWait, {shard}, 1e-9 * wait_nanos);
}

// A metric of one value a shard.
struct ShardValue {
  const Metric& metric;
  double (*value)(const ShardStats& stats);
};
constexpr ShardValue kShardValues[] = {
    {CataloguedMetric("weft_fibers_spawned_total"),
     [](const ShardStats& s) { return static_cast<double>(s.fibers_spawned_total); }},
    {CataloguedMetric("weft_fibers_finished_total"),
     [](const ShardStats& s) { return static_cast<double>(s.fibers_finished_total); }},
    {CataloguedMetric("weft_run_queue_length"),
     [](const ShardStats& s) { return static_cast<double>(s.ready); }},
    {CataloguedMetric("weft_longest_run_seconds"),
     [](const ShardStats& s) { return 1e-9 * static_cast<double>(s.longest_run_nanos); }},
    {CataloguedMetric("weft_loop_iterations_total"),
     [](const ShardStats& s) { return static_cast<double>(s.loop_iterations_total); }},
    {CataloguedMetric("weft_loop_busy_seconds_total"),
     [](const ShardStats& s) { return 1e-9 * static_cast<double>(s.busy_nanos_total); }},
    {CataloguedMetric("weft_poll_events_total"),
     [](const ShardStats& s) { return static_cast<double>(s.poll_events_total); }},
    {CataloguedMetric("weft_timers"),
     [](const ShardStats& s) { return static_cast<double>(s.timers); }},
};

// A metric of one value for a shard and a size of stack.
struct StackValue {
  const Metric& metric;
  double (*value)(const StackStats& stats);
};
constexpr StackValue kStackValues[] = {
    {CataloguedMetric("weft_stacks"),
     [](const StackStats& s) { return static_cast<double>(s.in_use); }},
    {CataloguedMetric("weft_stack_bytes"),
     [](const StackStats& s) { return static_cast<double>(s.stack_bytes); }},
    {CataloguedMetric("weft_stack_high_water_bytes"),
     [](const StackStats& s) { return static_cast<double>(s.high_water_bytes); }},
};

}  // namespace

LoopLagMetrics::~LoopLagMetrics() {
  for (std::atomic<Histogram*>& shard : shards_) delete shard.load(std::memory_order_relaxed);
}

void LoopLagMetrics::OnLoop(int shard, const LoopSample& sample) noexcept {
  if (shard < 0 || shard >= kMaxMeasuredShards) return;
  Histogram* histogram = shards_[shard].load(std::memory_order_acquire);
  if (histogram == nullptr) histogram = AddShard(shard);
  histogram->Record(sample.lag_nanos > 0 ? static_cast<uint64_t>(sample.lag_nanos) : 0);
}

LoopLagMetrics::Histogram* LoopLagMetrics::AddShard(int shard) noexcept {
  auto* added = new Histogram;
  Histogram* expected = nullptr;
  if (shards_[shard].compare_exchange_strong(expected, added, std::memory_order_acq_rel)) {
    return added;
  }
  delete added;
  return expected;
}

std::vector<prometheus::MetricFamily> LoopLagMetrics::Collect() const {
  prometheus::MetricFamily lag = MakeFamily(kLoopLag);
  for (int shard = 0; shard < kMaxMeasuredShards; ++shard) {
    const Histogram* histogram = shards_[shard].load(std::memory_order_acquire);
    if (histogram == nullptr) continue;
    std::array<uint64_t, Histogram::kBuckets> counts{};
    uint64_t sum_nanos = 0;
    histogram->AddTo(counts, sum_nanos);
    AddHistogram(lag, kLoopLag, {std::to_string(shard)}, counts,
                 1e-9 * static_cast<double>(sum_nanos));
  }
  return {std::move(lag)};
}

std::vector<prometheus::MetricFamily> RuntimeMetrics::Collect() const {
  const std::vector<ShardStats> shards = runtime_.Stats();
  std::vector<prometheus::MetricFamily> families;
  prometheus::MetricFamily& fibers = families.emplace_back(MakeFamily(kFibers));
  for (const ShardStats& stats : shards) {
    const std::string shard = std::to_string(stats.shard);
    AddSample(fibers, kFibers, {shard, "running"}, static_cast<double>(stats.running));
    AddSample(fibers, kFibers, {shard, "ready"}, static_cast<double>(stats.ready));
    AddSample(fibers, kFibers, {shard, "parked"}, static_cast<double>(stats.parked));
    AddSample(fibers, kFibers, {shard, "idle"}, static_cast<double>(stats.idle));
  }
  for (const ShardValue& value : kShardValues) {
    prometheus::MetricFamily& family = families.emplace_back(MakeFamily(value.metric));
    for (const ShardStats& stats : shards) {
      AddSample(family, value.metric, {std::to_string(stats.shard)}, value.value(stats));
    }
  }
  for (const StackValue& value : kStackValues) {
    prometheus::MetricFamily& family = families.emplace_back(MakeFamily(value.metric));
    for (const ShardStats& stats : shards) {
      for (size_t size = 0; size < kStackSizes; ++size) {
        AddSample(
            family, value.metric,
            {std::to_string(stats.shard), std::string(StackSizeName(static_cast<StackSize>(size)))},
            value.value(stats.stacks_by_size[size]));
      }
    }
  }
  prometheus::MetricFamily cpu = MakeFamily(kLoopCpu);
  prometheus::MetricFamily cpu_wait = MakeFamily(kLoopCpuWait);
  for (const ShardStats& stats : shards) AddThreadTimes(stats, cpu, cpu_wait);
  families.push_back(std::move(cpu));
  families.push_back(std::move(cpu_wait));
  prometheus::MetricFamily& cancelled = families.emplace_back(MakeFamily(kScopesCancelled));
  for (const ShardStats& stats : shards) {
    for (size_t cause = 1; cause < kCancelCauses; ++cause) {  // kNone is none.
      AddSample(cancelled, kScopesCancelled,
                {std::to_string(stats.shard),
                 std::string(CancelCauseLabel(static_cast<CancelCause>(cause)))},
                static_cast<double>(stats.scopes_cancelled_total[cause]));
    }
  }
  return families;
}

}  // namespace weft::observability
