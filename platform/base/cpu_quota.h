// How many CPUs this process may use: what a runtime takes as its number of shards by default.
//
// std::thread::hardware_concurrency() and gRPC count the machine's CPUs; in a container with a CPU
// quota that makes far too many threads, which the kernel then throttles. Here the quota counts:
//
//   - cgroup v2: `cpu.max` ("<quota> <period>" or "max <period>") of the process' cgroup and of
//     every cgroup above it that can be seen; the tightest holds. Source: the kernel's
//     Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files".
//   - cgroup v1: `cpu.cfs_quota_us` / `cpu.cfs_period_us` of the `cpu` hierarchy, likewise; a quota
//     of -1 is none. Source: Documentation/scheduler/sched-bwc.rst.
//   - a hybrid host has both; the tighter holds.
//   - the affinity mask (sched_getaffinity), which also reflects cpusets.
//
// Files that are absent, unreadable or hold anything else set no limit: a process must start on a
// kernel that this code has never seen.
#ifndef WEFT_PLATFORM_BASE_CPU_QUOTA_H_
#define WEFT_PLATFORM_BASE_CPU_QUOTA_H_

#include <optional>
#include <string>

namespace weft {

// Where to look; tests point these at trees of their own.
struct CpuQuotaPaths {
  std::string cgroup = "/proc/self/cgroup";
  std::string mountinfo = "/proc/self/mountinfo";
  // Put before the mount points that `mountinfo` names.
  std::string root;
};

// The smaller of the quota and the affinity mask; at least 1. Reads a handful of small files, so it
// blocks the thread briefly; any thread.
int AllowedCpus(const CpuQuotaPaths& paths = {});

// The quota alone, in CPUs, rounded up (1.5 CPUs are 2) and at least 1; nullopt without a quota.
std::optional<int> CpuQuota(const CpuQuotaPaths& paths = {});

// The CPUs in the calling thread's affinity mask; at least 1.
int AffinityCpus();

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CPU_QUOTA_H_
