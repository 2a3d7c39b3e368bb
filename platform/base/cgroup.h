// The control groups that bound this process: where their files are, and what they say.
//
//   - cgroup v2: the process' cgroup and every one above it that can be seen. Source: the kernel's
//     Documentation/admin-guide/cgroup-v2.rst.
//   - cgroup v1: a hierarchy for each controller. Source: Documentation/admin-guide/cgroup-v1/ and
//     Documentation/scheduler/sched-bwc.rst.
//   - a hybrid host has both.
//
// Files that are absent, unreadable or hold anything else say nothing: a process must start on a
// kernel that this code has never seen. All functions read some small files, so they block the
// thread briefly; any thread but a shard's.
#ifndef WEFT_PLATFORM_BASE_CGROUP_H_
#define WEFT_PLATFORM_BASE_CGROUP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weft {

// Where to look; tests point these at trees of their own.
struct CgroupPaths {
  std::string cgroup = "/proc/self/cgroup";
  std::string mountinfo = "/proc/self/mountinfo";
  // Put before the mount points that `mountinfo` names.
  std::string root = {};
};

// One cgroup, by its folder.
struct CgroupFolder {
  std::string path;
  bool v2 = false;
  // The text of one of its files without blanks around it; empty where it cannot be read.
  std::string Read(const std::string& file) const;
};

// The cgroups through which `controller` ("cpu", "memory") bounds the process, its own first, then
// those above it; of a hybrid host, both hierarchies one after the other.
std::vector<CgroupFolder> CgroupFolders(const std::string& controller,
                                        const CgroupPaths& paths = {});

// The CPUs that a cgroup's own quota allows; nullopt without one.
std::optional<double> CpuQuotaOf(const CgroupFolder& folder);

struct CgroupStats {
  // The tightest quota of all these cgroups, in CPUs.
  std::optional<double> cpu_quota;
  // Of those with a quota: periods (100 ms each, as a rule) in which they ran, those in which they
  // were stopped as their quota was used up, and for how long in all, summed over the CPUs.
  uint64_t cpu_periods = 0;
  uint64_t cpu_throttled_periods = 0;
  double cpu_throttled_seconds = 0;
  // The tightest limit.
  std::optional<uint64_t> memory_limit_bytes;
  // Of the process' own cgroup, without file pages that were not used lately and can be dropped at
  // once: what Kubernetes calls the working set.
  std::optional<uint64_t> memory_usage_bytes;
};

CgroupStats ReadCgroupStats(const CgroupPaths& paths = {});

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CGROUP_H_
