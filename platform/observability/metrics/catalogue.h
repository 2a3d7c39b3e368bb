// The catalogue: every metric that Weft offers, declared once, as data. Collectors take names,
// labels and help from here and cannot be compiled with a name that is not here; docs/metrics.md is
// checked against it, and so can dashboards and alert rules be.
//
// Rules: Prometheus' naming (base units, `_total` for counters); gRPC's own names and buckets for
// calls (proposal A66, https://github.com/grpc/proposal/blob/master/A66-otel-stats.md) with '.'
// turned into '_', the unit and `_total` added.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_CATALOGUE_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_CATALOGUE_H_

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/observability/metrics/buckets.h"
#include "platform/observability/metrics/catalogue_rpc.h"
#include "platform/observability/metrics/metric.h"

namespace weft::observability {

inline constexpr auto kOtherMetrics = std::to_array<Metric>({
    // The fiber runtime.
    {"weft_loop_lag_seconds",
     MetricType::kHistogram,
     "seconds",
     "fiber",
     "How long an event that became ready just after a poll waited for the next one.",
     {"shard"},
     kLoopLagBuckets},
    {"weft_fibers",
     MetricType::kGauge,
     "1",
     "fiber",
     "Fibers by state: running, ready, parked, or idle (a pooled stack without a task).",
     {"shard", "state"}},
    {"weft_fibers_spawned_total", MetricType::kCounter, "1", "fiber", "Fibers started.", {"shard"}},
    {"weft_fibers_finished_total", MetricType::kCounter, "1", "fiber", "Fibers ended.", {"shard"}},
    {"weft_run_queue_length",
     MetricType::kGauge,
     "1",
     "fiber",
     "Fibers that are ready and wait for their turn.",
     {"shard"}},
    {"weft_longest_run_seconds",
     MetricType::kGauge,
     "seconds",
     "fiber",
     "Longest run of one fiber without a park, or of the loop between two waits, within the last "
     "one to two minutes.",
     {"shard"}},
    {"weft_stacks",
     MetricType::kGauge,
     "1",
     "fiber",
     "Stacks in use by fibers, idle ones included, by their size: default, small or large.",
     {"shard", "size"}},
    {"weft_stack_bytes",
     MetricType::kGauge,
     "bytes",
     "fiber",
     "Address space of a stack of that size.",
     {"shard", "size"}},
    {"weft_stack_high_water_bytes",
     MetricType::kGauge,
     "bytes",
     "fiber",
     "Deepest use of a stack of that size that was seen by sampling, in whole pages.",
     {"shard", "size"}},
    {"weft_stalls_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Runs longer than the stall threshold, by what the thread did: computes, blocks, or no_cpu "
     "(preempted or throttled).",
     {"shard", "cause"}},
    {"weft_stall_seconds",
     MetricType::kHistogram,
     "seconds",
     "fiber",
     "Length of the runs that were stalls.",
     {"shard"},
     kStallBuckets},
    {"weft_deadlocks_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Rings of fibers of one shard that waited for each other's locks.",
     {"shard"}},
    {"weft_blocking_calls_found_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Calls on fibers that blocked their thread, or parked with a lock of it, in builds that look "
     "for them.",
     {"shard", "kind"}},
    {"weft_loop_iterations_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Turns of the shard's loop.",
     {"shard"}},
    {"weft_loop_busy_seconds_total",
     MetricType::kCounter,
     "seconds",
     "fiber",
     "Time the shard's loop spent outside of waiting: its rate is the shard's utilisation.",
     {"shard"}},
    {"weft_loop_cpu_seconds_total",
     MetricType::kCounter,
     "seconds",
     "fiber",
     "CPU time of the shard's thread: what its own code took.",
     {"shard"}},
    {"weft_loop_cpu_wait_seconds_total",
     MetricType::kCounter,
     "seconds",
     "fiber",
     "Time that the shard's thread could have run and had no CPU: others had it, or the quota was "
     "used up.",
     {"shard"}},
    {"weft_poll_events_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Events that the shard's poller delivered.",
     {"shard"}},
    {"weft_timers", MetricType::kGauge, "1", "fiber", "Timers armed.", {"shard"}},
    {"weft_scopes_cancelled_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Cancel scopes (calls, task groups and others) in which a cancellation began.",
     {"shard", "cause"}},

    // Pools for code that blocks or computes.
    {"weft_blocking_threads",
     MetricType::kGauge,
     "1",
     "fiber",
     "Threads that the pool has now: they come with the jobs and go when idle.",
     {"pool"}},
    {"weft_blocking_threads_max",
     MetricType::kGauge,
     "1",
     "fiber",
     "Threads that the pool may have.",
     {"pool"}},
    {"weft_blocking_busy_threads",
     MetricType::kGauge,
     "1",
     "fiber",
     "Threads of the pool that run a job.",
     {"pool"}},
    {"weft_blocking_queue_length",
     MetricType::kGauge,
     "1",
     "fiber",
     "Jobs that wait for a thread.",
     {"pool"}},
    {"weft_blocking_rejected_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Jobs refused because the queue was full.",
     {"pool"}},
    {"weft_blocking_given_up_total",
     MetricType::kCounter,
     "1",
     "fiber",
     "Jobs that were cancelled or overdue before a thread took them.",
     {"pool"}},
    {"weft_blocking_queue_wait_seconds",
     MetricType::kHistogram,
     "seconds",
     "fiber",
     "Time from the submission of a job to its start on a thread, or its being given up.",
     {"pool"},
     kQueueWaitBuckets},

    // The process.
    {"process_cpu_seconds_total", MetricType::kCounter, "seconds", "process",
     "User and system CPU time."},
    {"process_resident_memory_bytes", MetricType::kGauge, "bytes", "process", "Resident memory."},
    {"process_virtual_memory_bytes", MetricType::kGauge, "bytes", "process",
     "Virtual memory; fiber stacks reserve much more of it than they use."},
    {"process_open_fds", MetricType::kGauge, "1", "process", "Open file descriptors."},
    {"process_max_fds", MetricType::kGauge, "1", "process", "Soft limit on open file descriptors."},
    {"process_start_time_seconds", MetricType::kGauge, "seconds", "process",
     "Start of the process, as Unix time."},
    {"process_threads", MetricType::kGauge, "1", "process", "Threads."},
    {"weft_drain_seconds", MetricType::kGauge, "seconds", "app",
     "Time since the process was told to end; 0 before."},
    {"weft_drain_limit_seconds", MetricType::kGauge, "seconds", "app",
     "Time within which the process ends once it was told to; 0 before."},

    // What bounds the process from outside.
    {"weft_cpu_quota_cores", MetricType::kGauge, "1", "process",
     "CPUs that the process may use: the cgroup's quota, or else those of its affinity mask."},
    {"weft_cpu_periods_total", MetricType::kCounter, "1", "process",
     "Periods of the CPU quota in which the cgroup ran; 0 without a quota."},
    {"weft_cpu_throttled_periods_total", MetricType::kCounter, "1", "process",
     "Periods in which the cgroup was stopped, its CPU quota being used up."},
    {"weft_cpu_throttled_seconds_total", MetricType::kCounter, "seconds", "process",
     "Time for which the cgroup was stopped, its CPU quota being used up, summed over the CPUs."},
    {"weft_memory_limit_bytes", MetricType::kGauge, "bytes", "process",
     "Memory that the process may use: the cgroup's limit, or else the machine's."},
    {"weft_memory_usage_bytes", MetricType::kGauge, "bytes", "process",
     "Memory of the cgroup without file pages that can be dropped (Kubernetes' working set), or "
     "else "
     "resident memory."},

    // Telemetry itself.
    {"weft_build_info",
     MetricType::kGauge,
     "1",
     "observability",
     "Always 1; the labels tell what runs.",
     {"version", "service"}},
    {"weft_log_dropped_total", MetricType::kCounter, "1", "observability",
     "Log lines dropped because the queue of the log writer was full."},
    {"weft_log_repeats_left_out_total", MetricType::kCounter, "1", "observability",
     "Log lines left out because the same statement of the code wrote too many."},
    {"weft_spans_total",
     MetricType::kCounter,
     "1",
     "observability",
     "Recorded spans that ended, by what became of them: exported; failed, as the collector "
     "refused them or did not answer; dropped, as too many waited.",
     {"outcome"}},
    {"weft_spans_waiting", MetricType::kGauge, "1", "observability",
     "Spans that wait for their export."},
    {"weft_telemetry_errors_total", MetricType::kCounter, "1", "observability",
     "Warnings and errors that OpenTelemetry reported, such as failed exports of spans."},
});

// Both, as docs/metrics.md has them.
inline constexpr auto kCatalogue = [] {
  std::array<Metric, kRpcMetrics.size() + kOtherMetrics.size()> all;
  std::copy(kRpcMetrics.begin(), kRpcMetrics.end(), all.begin());
  std::copy(kOtherMetrics.begin(), kOtherMetrics.end(), all.begin() + kRpcMetrics.size());
  return all;
}();

// The metric of that name. At compile time: an unknown name is a compile error.
consteval const Metric& CataloguedMetric(absl::string_view name) {
  for (const Metric& metric : kCatalogue) {
    if (metric.name == name) return metric;
  }
  throw "no such metric in kCatalogue";
}

// The table of docs/metrics.md, in Markdown.
std::string CatalogueTable();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_CATALOGUE_H_
