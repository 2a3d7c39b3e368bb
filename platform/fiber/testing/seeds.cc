#include "platform/fiber/testing/seeds.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"

// The sanitizers' own hook, called before they end the process; null without a sanitizer.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace weft {
namespace {

// A handler of SIGABRT may only write(2): the text is ready beforehand. The thread that runs the
// tests writes it while no test's fibers run.
constexpr size_t kReplayBytes = 1024;
char replay_text[kReplayBytes] = "";

uint64_t ParseSeed(absl::string_view text, const char* message) {
  uint64_t seed = 0;
  Check(absl::SimpleAtoi(text, &seed), message);
  return seed;
}

// The process' arguments as the kernel keeps them: no main() has to hand them over.
std::optional<uint64_t> SeedOfCommandLine() {
  constexpr absl::string_view kFlag = "--seed=";
  std::ifstream arguments("/proc/self/cmdline");
  std::optional<uint64_t> seed;
  for (std::string argument; std::getline(arguments, argument, '\0');) {
    if (!absl::StartsWith(argument, kFlag)) continue;
    seed = ParseSeed(argument.substr(kFlag.size()), "--seed=<seed> is a whole number from 0");
  }
  return seed;
}

void WriteReplayText() {
  const ssize_t written = write(STDERR_FILENO, replay_text, std::strlen(replay_text));
  (void)written;  // There is nobody left to tell.
}

// A test that ends with the process, by Check() or a sanitizer, has no listener to print its seed.
void PrintReplayAtAbort() {
  struct sigaction action {};
  action.sa_handler = [](int signal) {
    WriteReplayText();
    raise(signal);  // With the default action again.
  };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGABRT, &action, nullptr);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(WriteReplayText);
}

class ReplayPrinter final : public testing::EmptyTestEventListener {
 public:
  void OnTestEnd(const testing::TestInfo& test) override {
    if (test.result()->Failed()) std::cerr << replay_text << std::flush;
    replay_text[0] = '\0';
  }
};

std::string CommandLine(uint64_t seed) {
  const testing::TestInfo* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string name =
      test == nullptr ? "*" : absl::StrCat(test->test_suite_name(), ".", test->name());
  if (const char* const target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    return absl::StrCat("./weft test ", target, " --test_filter=", name,
                        " --test_arg=--seed=", seed);
  }
  char program[512] = "";
  const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
  return absl::StrCat(length > 0 ? program : "<this test>", " --gtest_filter=", name,
                      " --seed=", seed);
}

}  // namespace

namespace internal {

void NoteSeed(uint64_t seed) {
  static const bool installed = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new ReplayPrinter);  // gtest's now
    PrintReplayAtAbort();
    return true;
  }();
  (void)installed;
  const std::string text =
      absl::StrCat("Seed ", seed, ". To run in the same order again:\n  ", CommandLine(seed), "\n");
  const size_t length = std::min(text.size(), kReplayBytes - 1);
  std::memcpy(replay_text, text.data(), length);
  replay_text[length] = '\0';
}

}  // namespace internal

std::optional<uint64_t> SeedToReplay() {
  if (const std::optional<uint64_t> seed = SeedOfCommandLine()) return seed;
  const char* const text = std::getenv("WEFT_SHUFFLE_SEED");
  if (text == nullptr) return std::nullopt;
  return ParseSeed(text, "WEFT_SHUFFLE_SEED=<seed> is a whole number from 0");
}

int StressSeeds(int otherwise) {
  const char* const text = std::getenv("WEFT_STRESS_SEEDS");
  if (text == nullptr) return otherwise;
  int seeds = 0;
  Check(absl::SimpleAtoi(text, &seeds) && seeds >= 0,
        "WEFT_STRESS_SEEDS=<seeds> is a whole number from 0");
  return seeds;
}

void ForEachShuffle(int seeds, const std::function<void(uint64_t seed)>& test) {
  const std::optional<uint64_t> only = SeedToReplay();
  const uint64_t first = only.value_or(0);
  const uint64_t last = only.value_or(static_cast<uint64_t>(seeds));
  for (uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("shuffle seed ", seed));
    internal::NoteSeed(seed);
    test(seed);
  }
}

}  // namespace weft
