#include "platform/base/cgroup.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "platform/base/testing/fake_cgroups.h"

namespace weft {
namespace {

std::vector<std::string> Names(const FakeCgroups& cgroups, const std::string& controller) {
  std::vector<std::string> names;
  for (const CgroupFolder& folder : CgroupFolders(controller, cgroups.Paths())) {
    names.push_back(folder.path.substr(cgroups.root().string().size()));
  }
  return names;
}

TEST(CgroupFolders, OwnComesFirstAndEachControllerHasItsHierarchy) {
  FakeCgroups cgroups;
  cgroups.Write("/proc/self/mountinfo", kMountV1);
  cgroups.Write("/proc/self/cgroup", "2:memory:/a/b\n1:cpu,cpuacct:/c\n");
  EXPECT_EQ(Names(cgroups, "memory"),
            (std::vector<std::string>{"/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/memory/a",
                                      "/sys/fs/cgroup/memory"}));
  EXPECT_EQ(Names(cgroups, "cpu"), (std::vector<std::string>{"/sys/fs/cgroup/cpu,cpuacct/c",
                                                             "/sys/fs/cgroup/cpu,cpuacct"}));
  EXPECT_TRUE(Names(cgroups, "pids").empty());
}

TEST(CgroupStats, V2IsRead) {
  FakeCgroups cgroups;
  cgroups.Write("/proc/self/mountinfo", kMountV2);
  cgroups.Write("/proc/self/cgroup", "0::/pod/app\n");
  cgroups.Write("/sys/fs/cgroup/pod/app/cpu.max", "150000 100000\n");
  cgroups.Write("/sys/fs/cgroup/pod/app/cpu.stat",
                "usage_usec 12\nnr_periods 90\nnr_throttled 7\nthrottled_usec 2500000\n");
  cgroups.Write("/sys/fs/cgroup/pod/app/memory.max", "max\n");
  cgroups.Write("/sys/fs/cgroup/pod/memory.max", "1000000\n");
  cgroups.Write("/sys/fs/cgroup/pod/app/memory.current", "600000\n");
  cgroups.Write("/sys/fs/cgroup/pod/memory.current", "999999\n");
  cgroups.Write("/sys/fs/cgroup/pod/app/memory.stat", "anon 1\ninactive_file 200000\n");
  const CgroupStats stats = ReadCgroupStats(cgroups.Paths());
  EXPECT_EQ(stats.cpu_quota, 1.5);
  EXPECT_EQ(stats.cpu_periods, 90u);
  EXPECT_EQ(stats.cpu_throttled_periods, 7u);
  EXPECT_DOUBLE_EQ(stats.cpu_throttled_seconds, 2.5);
  EXPECT_EQ(stats.memory_limit_bytes, 1000000u);
  EXPECT_EQ(stats.memory_usage_bytes, 400000u);
}

TEST(CgroupStats, V1IsRead) {
  FakeCgroups cgroups;
  cgroups.Write("/proc/self/mountinfo", kMountV1);
  cgroups.Write("/proc/self/cgroup", "2:memory:/app\n1:cpu,cpuacct:/app\n");
  const std::string cpu = "/sys/fs/cgroup/cpu,cpuacct/app";
  cgroups.Write(cpu + "/cpu.cfs_quota_us", "50000\n");
  cgroups.Write(cpu + "/cpu.cfs_period_us", "100000\n");
  cgroups.Write(cpu + "/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 1500000000\n");
  const std::string memory = "/sys/fs/cgroup/memory";
  cgroups.Write(memory + "/app/memory.limit_in_bytes", "9223372036854771712\n");
  cgroups.Write(memory + "/memory.limit_in_bytes", "9223372036854771712\n");
  cgroups.Write(memory + "/app/memory.usage_in_bytes", "5000\n");
  cgroups.Write(memory + "/app/memory.stat", "inactive_file 1\ntotal_inactive_file 7000\n");
  const CgroupStats stats = ReadCgroupStats(cgroups.Paths());
  EXPECT_EQ(stats.cpu_quota, 0.5);
  EXPECT_EQ(stats.cpu_periods, 5u);
  EXPECT_EQ(stats.cpu_throttled_periods, 2u);
  EXPECT_DOUBLE_EQ(stats.cpu_throttled_seconds, 1.5);
  EXPECT_EQ(stats.memory_limit_bytes, std::nullopt);
  // The two files are not read at the same moment: never below nothing.
  EXPECT_EQ(stats.memory_usage_bytes, 0u);
}

TEST(CgroupStats, ThrottlingOfAllThatHaveAQuotaIsSummed) {
  FakeCgroups cgroups;
  cgroups.Write("/proc/self/mountinfo", kMountV2);
  cgroups.Write("/proc/self/cgroup", "0::/pod/app\n");
  for (const char* folder : {"/pod/app", "/pod", ""}) {
    cgroups.Write(std::string("/sys/fs/cgroup") + folder + "/cpu.stat",
                  "nr_periods 10\nnr_throttled 1\nthrottled_usec 1000000\n");
  }
  cgroups.Write("/sys/fs/cgroup/pod/app/cpu.max", "300000 100000\n");
  cgroups.Write("/sys/fs/cgroup/pod/cpu.max", "200000 100000\n");
  cgroups.Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  const CgroupStats stats = ReadCgroupStats(cgroups.Paths());
  EXPECT_EQ(stats.cpu_quota, 2);
  EXPECT_EQ(stats.cpu_periods, 20u);
  EXPECT_DOUBLE_EQ(stats.cpu_throttled_seconds, 2);
}

TEST(CgroupStats, NothingIsKnownWithoutFiles) {
  FakeCgroups cgroups;
  const CgroupStats stats = ReadCgroupStats(cgroups.Paths());
  EXPECT_EQ(stats.cpu_quota, std::nullopt);
  EXPECT_EQ(stats.cpu_periods, 0u);
  EXPECT_EQ(stats.memory_limit_bytes, std::nullopt);
  EXPECT_EQ(stats.memory_usage_bytes, std::nullopt);
}

TEST(CgroupStats, GarbageSaysNothing) {
  FakeCgroups cgroups;
  cgroups.Write("/proc/self/mountinfo", kMountV2);
  cgroups.Write("/proc/self/cgroup", "0::/\n");
  cgroups.Write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  for (const char* garbage :
       {"", "nr_periods", "nr_periods x\nnr_throttled -1\nthrottled_usec 1e6", "\xff\n \n0 0 0"}) {
    cgroups.Write("/sys/fs/cgroup/cpu.stat", garbage);
    cgroups.Write("/sys/fs/cgroup/memory.current", garbage);
    cgroups.Write("/sys/fs/cgroup/memory.max", garbage);
    const CgroupStats stats = ReadCgroupStats(cgroups.Paths());
    EXPECT_EQ(stats.cpu_quota, 1) << garbage;
    EXPECT_EQ(stats.cpu_periods, 0u) << garbage;
    EXPECT_EQ(stats.cpu_throttled_seconds, 0) << garbage;
    EXPECT_EQ(stats.memory_usage_bytes, std::nullopt) << garbage;
    EXPECT_EQ(stats.memory_limit_bytes, std::nullopt) << garbage;
  }
}

}  // namespace
}  // namespace weft
