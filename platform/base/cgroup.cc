#include "platform/base/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

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

// What cgroup v1 says for "no limit" of memory: the highest multiple of the page size.
constexpr uint64_t kMinNoMemoryLimit = uint64_t{1} << 62;

// One mounted cgroup hierarchy that may bound the process.
struct Hierarchy {
  bool v2 = false;
  std::string mount_root;   // the cgroup that is seen at the mount point
  std::string mount_point;  // where, in the file system
};

// Empty where the file cannot be read.
std::string ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text;
  std::array<char, 4096> part;
  ssize_t count = 0;
  while (text.size() < kMaxFileBytes && (count = read(fd, part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<size_t>(count));
  }
  close(fd);
  return count < 0 ? "" : text;
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
std::vector<Hierarchy> ParseMountinfo(const std::string& mountinfo, const std::string& controller) {
  std::vector<Hierarchy> hierarchies;
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const absl::string_view type = dash[1];
    const bool v2 = type == "cgroup2";
    if (!v2 && !(type == "cgroup" && HasController(dash[3], controller))) continue;
    hierarchies.push_back(
        {.v2 = v2, .mount_root = Unescape(fields[3]), .mount_point = Unescape(fields[4])});
  }
  return hierarchies;
}

// The process' path in the hierarchy, from /proc/self/cgroup: "4:cpu,cpuacct:/path" for v1,
// "0::/path" for v2. A path may contain colons.
std::optional<std::string> CgroupPath(const std::string& cgroup, const std::string& controller,
                                      bool v2) {
  for (absl::string_view line : absl::StrSplit(cgroup, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool match =
        v2 ? fields[0] == "0" && fields[1].empty() : HasController(fields[1], controller);
    if (match) return std::string(fields[2]);
  }
  return std::nullopt;
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

// The number behind `key` in a file of lines "key number".
std::optional<uint64_t> Field(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    uint64_t value = 0;
    if (fields.size() == 2 && fields[0] == key && absl::SimpleAtoi(fields[1], &value)) return value;
  }
  return std::nullopt;
}

std::optional<uint64_t> Number(const std::string& text) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

// `quota` of `period` as CPUs; nullopt when they are no limit.
std::optional<double> ToCpus(absl::string_view quota, absl::string_view period) {
  int64_t quota_us = 0;
  int64_t period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) || quota_us <= 0) return std::nullopt;
  if (!absl::SimpleAtoi(period, &period_us) || period_us <= 0) return std::nullopt;
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

template <typename T>
void Tighten(std::optional<T>& limit, std::optional<T> other) {
  if (other.has_value()) limit = limit.has_value() ? std::min(*limit, *other) : *other;
}

// What /proc tells of the process' cgroups.
struct ProcTexts {
  explicit ProcTexts(const CgroupPaths& paths)
      : cgroup(ReadFile(paths.cgroup)), mountinfo(ReadFile(paths.mountinfo)), root(paths.root) {}
  const std::string cgroup;
  const std::string mountinfo;
  const std::string root;
};

std::vector<CgroupFolder> FoldersOf(const std::string& controller, const ProcTexts& texts) {
  std::vector<CgroupFolder> folders;
  for (const Hierarchy& hierarchy : ParseMountinfo(texts.mountinfo, controller)) {
    const std::optional<std::string> path = CgroupPath(texts.cgroup, controller, hierarchy.v2);
    if (!path.has_value()) continue;
    const std::string mount_point = absl::StrCat(texts.root, hierarchy.mount_point);
    std::string below = PathBelowMount(*path, hierarchy.mount_root);
    for (int depth = 0; depth < kMaxDepth; ++depth) {
      folders.push_back({.path = absl::StrCat(mount_point, below), .v2 = hierarchy.v2});
      if (below.empty()) break;
      below.resize(below.rfind('/'));
    }
  }
  return folders;
}

std::optional<uint64_t> MemoryLimitOf(const CgroupFolder& folder) {
  const std::optional<uint64_t> limit =
      Number(folder.Read(folder.v2 ? "memory.max" : "memory.limit_in_bytes"));
  return limit.has_value() && *limit >= kMinNoMemoryLimit ? std::nullopt : limit;
}

std::optional<uint64_t> MemoryUsageOf(const CgroupFolder& folder) {
  const std::optional<uint64_t> usage =
      Number(folder.Read(folder.v2 ? "memory.current" : "memory.usage_in_bytes"));
  if (!usage.has_value()) return std::nullopt;
  const uint64_t droppable =
      Field(folder.Read("memory.stat"), folder.v2 ? "inactive_file" : "total_inactive_file")
          .value_or(0);
  return *usage - std::min(*usage, droppable);
}

}  // namespace

std::string CgroupFolder::Read(const std::string& file) const {
  return std::string(absl::StripAsciiWhitespace(ReadFile(absl::StrCat(path, "/", file))));
}

std::vector<CgroupFolder> CgroupFolders(const std::string& controller, const CgroupPaths& paths) {
  return FoldersOf(controller, ProcTexts(paths));
}

std::optional<double> CpuQuotaOf(const CgroupFolder& folder) {
  if (!folder.v2) return ToCpus(folder.Read("cpu.cfs_quota_us"), folder.Read("cpu.cfs_period_us"));
  const std::string cpu_max = folder.Read("cpu.max");
  const std::vector<absl::string_view> fields = absl::StrSplit(cpu_max, ' ');
  return fields.size() == 2 ? ToCpus(fields[0], fields[1]) : std::nullopt;
}

CgroupStats ReadCgroupStats(const CgroupPaths& paths) {
  const ProcTexts texts(paths);
  CgroupStats stats;
  for (const CgroupFolder& folder : FoldersOf("cpu", texts)) {
    const std::optional<double> quota = CpuQuotaOf(folder);
    if (!quota.has_value()) continue;
    Tighten(stats.cpu_quota, quota);
    const std::string text = folder.Read("cpu.stat");
    stats.cpu_periods += Field(text, "nr_periods").value_or(0);
    stats.cpu_throttled_periods += Field(text, "nr_throttled").value_or(0);
    // Microseconds in v2, nanoseconds in v1.
    stats.cpu_throttled_seconds +=
        1e-6 * static_cast<double>(Field(text, "throttled_usec").value_or(0)) +
        1e-9 * static_cast<double>(Field(text, "throttled_time").value_or(0));
  }
  for (const CgroupFolder& folder : FoldersOf("memory", texts)) {
    Tighten(stats.memory_limit_bytes, MemoryLimitOf(folder));
    if (!stats.memory_usage_bytes.has_value()) stats.memory_usage_bytes = MemoryUsageOf(folder);
  }
  return stats;
}

}  // namespace weft
