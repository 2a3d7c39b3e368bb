#include "platform/base/cpu_quota.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "platform/base/testing/fake_cgroups.h"

namespace weft {
namespace {

class CpuQuotaTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) { cgroups_.Write(path, text); }
  void WriteV1(const std::string& cgroup, const std::string& quota, const std::string& period) {
    Write("/sys/fs/cgroup/cpu,cpuacct" + cgroup + "/cpu.cfs_quota_us", quota + "\n");
    Write("/sys/fs/cgroup/cpu,cpuacct" + cgroup + "/cpu.cfs_period_us", period + "\n");
  }
  CgroupPaths Paths() const { return cgroups_.Paths(); }
  std::optional<int> Quota() const { return CpuQuota(Paths()); }

  FakeCgroups cgroups_;
};

TEST_F(CpuQuotaTest, V2QuotaIsReadAndRoundedUp) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/pod/app\n");
  Write("/sys/fs/cgroup/pod/app/cpu.max", "250000 100000\n");
  EXPECT_EQ(Quota(), 3);
  Write("/sys/fs/cgroup/pod/app/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
  Write("/sys/fs/cgroup/pod/app/cpu.max", "10000 100000\n");
  EXPECT_EQ(Quota(), 1);
}

TEST_F(CpuQuotaTest, V2MaxIsNoLimit) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/app\n");
  Write("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), std::nullopt);
}

TEST_F(CpuQuotaTest, V2ParentTighterThanChildHolds) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/kubepods/pod1/app\n");
  Write("/sys/fs/cgroup/kubepods/pod1/app/cpu.max", "800000 100000\n");
  Write("/sys/fs/cgroup/kubepods/pod1/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/kubepods/cpu.max", "150000 50000\n");
  EXPECT_EQ(Quota(), 3);
}

TEST_F(CpuQuotaTest, V2NamespacedContainerReadsTheMountPoint) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(Quota(), 4);
}

TEST_F(CpuQuotaTest, V2CgroupOutsideTheNamespaceReadsTheMountPoint) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/../../other\n");
  Write("/sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(Quota(), 4);
}

TEST_F(CpuQuotaTest, V1QuotaIsReadAndRoundedUp) {
  Write("/proc/self/mountinfo", kMountV1);
  Write("/proc/self/cgroup", "5:cpuset:/wrong\n1:cpu,cpuacct:/app\n");
  WriteV1("/app", "120000", "100000");
  WriteV1("/wrong", "100000", "100000");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuQuotaTest, V1MinusOneIsNoLimit) {
  Write("/proc/self/mountinfo", kMountV1);
  Write("/proc/self/cgroup", "1:cpu,cpuacct:/app\n");
  WriteV1("/app", "-1", "100000");
  EXPECT_EQ(Quota(), std::nullopt);
}

TEST_F(CpuQuotaTest, V1ParentTighterThanChildHolds) {
  Write("/proc/self/mountinfo", kMountV1);
  Write("/proc/self/cgroup", "1:cpu,cpuacct:/slice/app\n");
  WriteV1("/slice/app", "-1", "100000");
  WriteV1("/slice", "500000", "100000");
  EXPECT_EQ(Quota(), 5);
}

TEST_F(CpuQuotaTest, V1ContainerWhoseMountShowsItsOwnCgroup) {
  Write("/proc/self/mountinfo",
        "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro master:4 - cgroup cgroup "
        "rw,cpu,cpuacct\n");
  Write("/proc/self/cgroup", "1:cpu,cpuacct:/docker/abc\n");
  WriteV1("", "300000", "100000");
  EXPECT_EQ(Quota(), 3);
  Write("/proc/self/cgroup", "1:cpu,cpuacct:/docker/abc/inner\n");
  WriteV1("/inner", "200000", "100000");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuQuotaTest, MountRootThatIsOnlyAPrefixOfTheNameIsNotStripped) {
  Write("/proc/self/mountinfo",
        "33 31 0:30 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n");
  Write("/proc/self/cgroup", "1:cpu,cpuacct:/docker/abc\n");
  WriteV1("", "300000", "100000");
  EXPECT_EQ(Quota(), 3);
}

TEST_F(CpuQuotaTest, HybridTakesTheTighterOfBoth) {
  Write("/proc/self/mountinfo",
        std::string(kMountV1) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  Write("/proc/self/cgroup", "1:cpu,cpuacct:/app\n0::/app\n");
  WriteV1("/app", "300000", "100000");
  EXPECT_EQ(Quota(), 3);
  Write("/sys/fs/cgroup/unified/app/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuQuotaTest, EscapedMountPointIsDecoded) {
  Write("/proc/self/mountinfo", "31 23 0:27 / /sys/my\\040cgroups rw - cgroup2 cgroup2 rw\n");
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/my cgroups/cpu.max", "700000 100000\n");
  EXPECT_EQ(Quota(), 7);
}

TEST_F(CpuQuotaTest, CgroupPathWithAColonIsKeptWhole) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/a:b\n");
  Write("/sys/fs/cgroup/a:b/cpu.max", "700000 100000\n");
  EXPECT_EQ(Quota(), 7);
}

TEST_F(CpuQuotaTest, AbsentFilesAreNoLimit) {
  EXPECT_EQ(Quota(), std::nullopt);
  Write("/proc/self/mountinfo", kMountV2);
  EXPECT_EQ(Quota(), std::nullopt);
  Write("/proc/self/cgroup", "0::/gone\n");
  EXPECT_EQ(Quota(), std::nullopt);
}

TEST_F(CpuQuotaTest, UnreadableFilesAreNoLimit) {
  // Folders in the place of files: reading them fails for every user, root too.
  std::filesystem::create_directories(cgroups_.root() / "sys/fs/cgroup/app/cpu.max");
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/app\n");
  EXPECT_EQ(Quota(), std::nullopt);
  // A limit above it still holds.
  Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuQuotaTest, GarbageIsNoLimit) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/app\n");
  for (const char* garbage :
       {"", "\n", "100000", "a b", "100000 0", "0 100000", "-1 100000", "1 2 3", "100000 -1",
        "99999999999999999999 100000", "1e5 100000", "\xff\xfe 100000"}) {
    Write("/sys/fs/cgroup/app/cpu.max", garbage);
    EXPECT_EQ(Quota(), std::nullopt) << garbage;
  }
  Write("/sys/fs/cgroup/app/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuQuotaTest, GarbageInProcIsNoLimit) {
  Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  Write("/proc/self/mountinfo", kMountV2);
  for (const char* garbage : {"", ":", "::", "0:", "zero::/", "0\n:\n:/"}) {
    Write("/proc/self/cgroup", garbage);
    EXPECT_EQ(Quota(), std::nullopt) << garbage;
  }
  Write("/proc/self/cgroup", "0::/\n");
  for (const char* garbage :
       {"", "-", "- cgroup2", "31 23 0:27 / - cgroup2 cgroup2 rw", "31 23 0:27 / /sys rw -"}) {
    Write("/proc/self/mountinfo", garbage);
    EXPECT_EQ(Quota(), std::nullopt) << garbage;
  }
}

TEST_F(CpuQuotaTest, QuotaLargerThanAnIntIsCapped) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "9223372036854775807 1\n");
  EXPECT_EQ(Quota(), 2147483647);
}

TEST_F(CpuQuotaTest, AllowedCpusIsTheSmallerOfQuotaAndAffinity) {
  Write("/proc/self/mountinfo", kMountV2);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(AllowedCpus(Paths()), 1);
  Write("/sys/fs/cgroup/cpu.max", "100000000 100000\n");
  EXPECT_EQ(AllowedCpus(Paths()), AffinityCpus());
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(AllowedCpus(Paths()), AffinityCpus());
}

TEST(AffinityCpus, FollowsTheMask) {
  // On a thread of its own, so that the test's mask stays as it was.
  std::thread([] {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
    EXPECT_EQ(AffinityCpus(), CPU_COUNT(&before));
    int first = 0;
    while (!CPU_ISSET(first, &before)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(AffinityCpus(), 1);
  }).join();
}

TEST(AllowedCpus, OfThisMachineIsAtLeastOne) { EXPECT_GE(AllowedCpus(), 1); }

}  // namespace
}  // namespace weft
