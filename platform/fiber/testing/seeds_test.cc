#include "platform/fiber/testing/seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Sets a variable of the environment as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* const name_;
};

std::vector<uint64_t> SeedsTried(int seeds) {
  std::vector<uint64_t> tried;
  ForEachShuffle(seeds, [&](uint64_t seed) { tried.push_back(seed); });
  return tried;
}

// What this very program prints when it is run with `arguments`, and how it ends.
std::string OutputOfRun(const std::string& arguments) {
  std::array<char, 4096> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  Check(length > 0, "the test finds itself");
  const std::string command =
      absl::StrCat("env -i ", path.data(), " ", arguments, " --gtest_also_run_disabled_tests 2>&1");
  FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    output.push_back(static_cast<char>(c));
  }
  absl::StrAppend(&output, pclose(pipe) == 0 ? "passed" : "failed");
  return output;
}

// The victims of the tests below; disabled, so that only those run them.
TEST(Seeds, DISABLED_Passes) { TestRuntime runtime({.shuffle_seed = 5}); }
TEST(Seeds, DISABLED_FailsFromTheThirdSeed) {
  ForEachShuffle(10, [](uint64_t seed) { EXPECT_LT(seed, 3u); });
}
TEST(Seeds, DISABLED_FailsByCheck) {
  TestRuntime runtime({.shuffle_seed = 5});
  Check(false, "an invariant");
}

TEST(Seeds, ForEachShuffleTriesTheOrderOfArrivalFirst) {
  EXPECT_THAT(SeedsTried(2), ElementsAre(0, 1, 2));
}

TEST(Seeds, ForEachShuffleTriesOnlyTheSeedToReplay) {
  Variable seed("WEFT_SHUFFLE_SEED", "7");
  EXPECT_EQ(SeedToReplay(), 7u);
  EXPECT_THAT(SeedsTried(2), ElementsAre(7));
}

TEST(Seeds, StressSeedsComesFromTheEnvironment) {
  EXPECT_EQ(StressSeeds(20), 20);
  Variable seeds("WEFT_STRESS_SEEDS", "300");
  EXPECT_EQ(StressSeeds(20), 300);
}

TEST(Seeds, WhatIsNoNumberEndsTheProcess) {
  EXPECT_DEATH(
      {
        Variable seed("WEFT_SHUFFLE_SEED", "seven");
        SeedToReplay();
      },
      "WEFT_SHUFFLE_SEED=<seed> is a whole number from 0");
  EXPECT_DEATH(
      {
        Variable seeds("WEFT_STRESS_SEEDS", "-1");
        StressSeeds(1);
      },
      "WEFT_STRESS_SEEDS=<seeds> is a whole number from 0");
  EXPECT_THAT(OutputOfRun("--seed=x --gtest_filter=Seeds.DISABLED_Passes"),
              HasSubstr("--seed=<seed> is a whole number from 0"));
}

TEST(Seeds, AFailingTestPrintsTheSeedAndTheCommandThatReplaysIt) {
  const std::string output = OutputOfRun("--gtest_filter=Seeds.DISABLED_FailsFromTheThirdSeed");
  EXPECT_THAT(output, HasSubstr("Seed 3. To run in the same order again:\n"));
  EXPECT_THAT(output, HasSubstr("--gtest_filter=Seeds.DISABLED_FailsFromTheThirdSeed --seed=3\n"));
  const std::string replay =
      OutputOfRun("--gtest_filter=Seeds.DISABLED_FailsFromTheThirdSeed --seed=8");
  EXPECT_THAT(replay, HasSubstr("shuffle seed 8"));
  EXPECT_THAT(replay, HasSubstr("failed"));
}

TEST(Seeds, UnderBazelTheCommandIsItsOwn) {
  Variable target("TEST_TARGET", "//platform/fiber:some_test");
  EXPECT_DEATH(
      {
        TestRuntime runtime({.shuffle_seed = 9});
        Check(false, "an invariant");
      },
      "weft test //platform/fiber:some_test "
      "--test_filter=Seeds.UnderBazelTheCommandIsItsOwn --test_arg=--seed=9");
}

TEST(Seeds, ATestThatEndsItsProcessPrintsThemToo) {
  EXPECT_THAT(OutputOfRun("--gtest_filter=Seeds.DISABLED_FailsByCheck"),
              HasSubstr("--gtest_filter=Seeds.DISABLED_FailsByCheck --seed=5\n"));
}

TEST(Seeds, ATestThatPassesPrintsNone) {
  const std::string output = OutputOfRun("--gtest_filter=Seeds.DISABLED_Passes");
  EXPECT_THAT(output, Not(HasSubstr("same order again")));
  EXPECT_THAT(output, HasSubstr("passed"));
}

}  // namespace
}  // namespace weft
