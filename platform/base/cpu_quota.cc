#include "platform/base/cpu_quota.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace weft {
namespace {

// A cgroup path deeper than this is not walked to its end; systemd's and Kubernetes' are below 10.
constexpr int kMaxDepth = 64;

// What lies behind this many bytes of a file is not read. Only mountinfo, on a host with thousands
// of mounts, comes near it.
constexpr size_t kMaxFileBytes = 1 << 20;

// More CPUs than this in an affinity mask are not counted.
constexpr size_t kMaxCpus = 1 << 16;

// One mounted cgroup hierarchy that may hold CPU limits.
struct Hierarchy {
  bool v2 = false;
  std::string mount_root;   // the cgroup that is seen at the mount point
  std::string mount_point;  // where, in the file system
};

// Empty where the file cannot be read.
std::string ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text(kMaxFileBytes, '\0');
  size_t size = 0;
  ssize_t count = 0;
  do {
    size += static_cast<size_t>(count);
    count = read(fd, text.data() + size, text.size() - size);
  } while (count > 0);
  close(fd);
  text.resize(count < 0 ? 0 : size);
  return text;
}

// mountinfo writes space, tab, newline and backslash as three octal digits: "\040".
std::string Unescape(absl::string_view escaped) {
  std::string plain;
  for (size_t i = 0; i < escaped.size(); ++i) {
    const absl::string_view digits = escaped.substr(std::min(i + 1, escaped.size()), 3);
    const bool octal = escaped[i] == '\\' && digits.size() == 3 &&
                       std::all_of(digits.begin(), digits.end(),
                                   [](char digit) { return '0' <= digit && digit <= '7'; });
    if (octal) {
      plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
      i += 3;
    } else {
      plain += escaped[i];
    }
  }
  return plain;
}

bool HasController(absl::string_view comma_separated, absl::string_view controller) {
  for (absl::string_view name : absl::StrSplit(comma_separated, ',')) {
    if (name == controller) return true;
  }
  return false;
}

// proc(5), /proc/pid/mountinfo:
//   36 35 98:0 /root /mount/point rw,noatime master:1 - cgroup cgroup rw,cpu,cpuacct
// with any number of optional fields before the "-".
std::vector<Hierarchy> ParseMountinfo(const std::string& mountinfo) {
  std::vector<Hierarchy> hierarchies;
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const absl::string_view type = dash[1];
    const bool v2 = type == "cgroup2";
    if (!v2 && !(type == "cgroup" && HasController(dash[3], "cpu"))) continue;
    hierarchies.push_back(
        {.v2 = v2, .mount_root = Unescape(fields[3]), .mount_point = Unescape(fields[4])});
  }
  return hierarchies;
}

// The process' path in the hierarchy, from /proc/self/cgroup: "4:cpu,cpuacct:/path" for v1,
// "0::/path" for v2. A path may contain colons.
std::optional<std::string> CgroupPath(const std::string& cgroup, bool v2) {
  for (absl::string_view line : absl::StrSplit(cgroup, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool match = v2 ? fields[0] == "0" && fields[1].empty() : HasController(fields[1], "cpu");
    if (match) return std::string(fields[2]);
  }
  return std::nullopt;
}

// `quota` of `period` as whole CPUs, rounded up; nullopt when they are no limit.
std::optional<int> ToCpus(absl::string_view quota, absl::string_view period) {
  int64_t quota_us = 0;
  int64_t period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) || quota_us <= 0) return std::nullopt;
  if (!absl::SimpleAtoi(period, &period_us) || period_us <= 0) return std::nullopt;
  const int64_t cpus = quota_us / period_us + (quota_us % period_us != 0 ? 1 : 0);
  return static_cast<int>(std::min<int64_t>(cpus, std::numeric_limits<int>::max()));
}

std::optional<int> LimitOfFolder(const std::string& folder, bool v2) {
  if (!v2) {
    return ToCpus(absl::StripAsciiWhitespace(ReadFile(absl::StrCat(folder, "/cpu.cfs_quota_us"))),
                  absl::StripAsciiWhitespace(ReadFile(absl::StrCat(folder, "/cpu.cfs_period_us"))));
  }
  const std::string cpu_max = ReadFile(absl::StrCat(folder, "/cpu.max"));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::StripAsciiWhitespace(cpu_max), ' ');
  return fields.size() == 2 ? ToCpus(fields[0], fields[1]) : std::nullopt;
}

void Tighten(std::optional<int>& limit, std::optional<int> other) {
  if (other.has_value()) limit = limit.has_value() ? std::min(*limit, *other) : *other;
}

// The path below the mount point that belongs to `cgroup_path`. In a container without a cgroup
// namespace the mount shows the container's own cgroup (mount_root "/docker/<id>") while
// /proc/self/cgroup tells the host's path ("/docker/<id>/…"). Where the two do not fit (a cgroup
// outside the namespace reads "/../…"), the mount point is all that can be seen.
std::string PathBelowMount(absl::string_view cgroup_path, absl::string_view mount_root) {
  const absl::string_view root = mount_root == "/" ? "" : mount_root;
  if (!absl::ConsumePrefix(&cgroup_path, root)) return "";
  if (!cgroup_path.empty() && cgroup_path[0] != '/') return "";
  for (absl::string_view part : absl::StrSplit(cgroup_path, '/')) {
    if (part == "..") return "";
  }
  return std::string(absl::StripSuffix(cgroup_path, "/"));
}

std::optional<int> LimitOfHierarchy(const Hierarchy& hierarchy, absl::string_view cgroup_path,
                                    const std::string& root) {
  const std::string mount_point = absl::StrCat(root, hierarchy.mount_point);
  std::string below = PathBelowMount(cgroup_path, hierarchy.mount_root);
  std::optional<int> limit;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    Tighten(limit, LimitOfFolder(absl::StrCat(mount_point, below), hierarchy.v2));
    if (below.empty()) break;
    below.resize(below.rfind('/'));
  }
  return limit;
}

}  // namespace

std::optional<int> CpuQuota(const CpuQuotaPaths& paths) {
  const std::string cgroup = ReadFile(paths.cgroup);
  std::optional<int> limit;
  for (const Hierarchy& hierarchy : ParseMountinfo(ReadFile(paths.mountinfo))) {
    const std::optional<std::string> path = CgroupPath(cgroup, hierarchy.v2);
    if (path.has_value()) Tighten(limit, LimitOfHierarchy(hierarchy, *path, paths.root));
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

int AllowedCpus(const CpuQuotaPaths& paths) {
  const int affinity = AffinityCpus();
  return std::min(affinity, CpuQuota(paths).value_or(affinity));
}

}  // namespace weft
