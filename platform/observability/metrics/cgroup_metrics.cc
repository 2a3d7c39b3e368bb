#include "platform/observability/metrics/cgroup_metrics.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "platform/base/cpu_quota.h"
#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kQuota = CataloguedMetric("weft_cpu_quota_cores");
constexpr const Metric& kPeriods = CataloguedMetric("weft_cpu_periods_total");
constexpr const Metric& kThrottledPeriods = CataloguedMetric("weft_cpu_throttled_periods_total");
constexpr const Metric& kThrottled = CataloguedMetric("weft_cpu_throttled_seconds_total");
constexpr const Metric& kMemoryLimit = CataloguedMetric("weft_memory_limit_bytes");
constexpr const Metric& kMemoryUsage = CataloguedMetric("weft_memory_usage_bytes");

double MachineMemoryBytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// proc(5), /proc/pid/statm: pages in all, and those resident.
double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::vector<prometheus::MetricFamily> CgroupMetrics::Collect() const {
  const CgroupStats stats = ReadCgroupStats(paths_);
  const double cpus = AffinityCpus();
  const double memory = MachineMemoryBytes();
  std::vector<prometheus::MetricFamily> families;
  AddValue(families, kQuota, std::min(stats.cpu_quota.value_or(cpus), cpus));
  AddValue(families, kPeriods, static_cast<double>(stats.cpu_periods));
  AddValue(families, kThrottledPeriods, static_cast<double>(stats.cpu_throttled_periods));
  AddValue(families, kThrottled, stats.cpu_throttled_seconds);
  AddValue(families, kMemoryLimit,
           stats.memory_limit_bytes.has_value()
               ? std::min(static_cast<double>(*stats.memory_limit_bytes), memory)
               : memory);
  AddValue(families, kMemoryUsage,
           stats.memory_usage_bytes.has_value() ? static_cast<double>(*stats.memory_usage_bytes)
                                                : ResidentBytes());
  return families;
}

}  // namespace weft::observability
