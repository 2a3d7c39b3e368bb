// How many CPUs this process may use: what a runtime takes as its number of shards by default.
//
// std::thread::hardware_concurrency() and gRPC count the machine's CPUs; in a container with a CPU
// quota that makes far too many threads, which the kernel then throttles. Here the quota counts:
//
//   - `cpu.max` (cgroup v2), `cpu.cfs_quota_us` and `cpu.cfs_period_us` (v1) of the process' cgroup
//     and of every cgroup above it that can be seen; the tightest holds (cgroup.h).
//   - the affinity mask (sched_getaffinity), which also reflects cpusets.
#ifndef WEFT_PLATFORM_BASE_CPU_QUOTA_H_
#define WEFT_PLATFORM_BASE_CPU_QUOTA_H_

#include <optional>

#include "platform/base/cgroup.h"

namespace weft {

// The smaller of the quota and the affinity mask; at least 1. Reads a handful of small files, so it
// blocks the thread briefly; any thread.
int AllowedCpus(const CgroupPaths& paths = {});

// The quota alone, in CPUs, rounded up (1.5 CPUs are 2) and at least 1; nullopt without a quota.
std::optional<int> CpuQuota(const CgroupPaths& paths = {});

// The CPUs in the calling thread's affinity mask; at least 1.
int AffinityCpus();

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CPU_QUOTA_H_
