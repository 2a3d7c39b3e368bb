// FakeCgroups: a made-up /proc and /sys in a folder of the running test's own.
#ifndef WEFT_PLATFORM_BASE_TESTING_FAKE_CGROUPS_H_
#define WEFT_PLATFORM_BASE_TESTING_FAKE_CGROUPS_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "platform/base/cgroup.h"

namespace weft {

inline constexpr char kMountV2[] =
    "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
inline constexpr char kMountV1[] =
    "25 23 0:22 / /sys rw shared:7 - sysfs sysfs rw\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup "
    "rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:11 - cgroup cgroup rw,memory\n"
    "36 31 0:33 / /sys/fs/cgroup/cpuset rw,relatime shared:12 - cgroup cgroup rw,cpuset\n";

class FakeCgroups {
 public:
  FakeCgroups()
      : root_(std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(root_);
  }
  ~FakeCgroups() { std::filesystem::remove_all(root_); }
  FakeCgroups(const FakeCgroups&) = delete;
  FakeCgroups& operator=(const FakeCgroups&) = delete;

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / path.substr(1);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    ASSERT_TRUE(std::filesystem::exists(file));
  }
  CgroupPaths Paths() const {
    return {.cgroup = root_ / "proc/self/cgroup",
            .mountinfo = root_ / "proc/self/mountinfo",
            .root = root_};
  }
  const std::filesystem::path& root() const { return root_; }

 private:
  const std::filesystem::path root_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_TESTING_FAKE_CGROUPS_H_
