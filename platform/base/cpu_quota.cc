#include "platform/base/cpu_quota.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace weft {
namespace {

// More CPUs than this in an affinity mask are not counted.
constexpr size_t kMaxCpus = 1 << 16;

int RoundUp(double cpus) {
  return static_cast<int>(std::clamp<double>(std::ceil(cpus), 1, std::numeric_limits<int>::max()));
}

}  // namespace

std::optional<int> CpuQuota(const CgroupPaths& paths) {
  std::optional<int> limit;
  for (const CgroupFolder& folder : CgroupFolders("cpu", paths)) {
    const std::optional<double> quota = CpuQuotaOf(folder);
    if (!quota.has_value()) continue;
    limit = std::min(limit.value_or(std::numeric_limits<int>::max()), RoundUp(*quota));
  }
  return limit;
}

int AffinityCpus() {
  // The kernel refuses masks shorter than its own (EINVAL), so they grow until one fits.
  for (size_t cpus = CPU_SETSIZE; cpus <= kMaxCpus; cpus *= 2) {
    std::vector<cpu_set_t> mask(cpus / CPU_SETSIZE);
    const size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) {
      return std::max(1, CPU_COUNT_S(bytes, mask.data()));
    }
    if (errno != EINVAL) break;
  }
  return 1;
}

int AllowedCpus(const CgroupPaths& paths) {
  const int affinity = AffinityCpus();
  return std::min(affinity, CpuQuota(paths).value_or(affinity));
}

}  // namespace weft
