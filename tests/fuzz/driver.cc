// main() of a fuzz target in the ordinary build: runs each input of its corpus, then a bounded
// number of mutations of them, the same in every run.
//
//   config_fuzz CORPUS-FOLDER-OR-FILE... [--mutations=N] [--seed=N] [--write=FILE]
//
// Each mutation has a seed of its own, from 1 on. What ends the process is told together with the
// input's file or seed; --seed=N runs that mutation alone, and --write=FILE keeps it, to be added
// to the corpus.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "platform/base/check.h"
#include "tests/fuzz/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// The sanitizers' own hook, called before they end the process; null without a sanitizer.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace weft::fuzz {
namespace {

// Some seconds of the slowest target.
constexpr uint64_t kMutations = 20'000;

// What a handler of SIGABRT writes, which may only use write(2): the text is ready beforehand.
char place[1024] = "";

void WritePlace() {
  const ssize_t written = write(STDERR_FILENO, place, std::strlen(place));
  (void)written;  // There is nobody left to tell.
}

void TellPlaceAtDeath() {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    struct sigaction action {};
    action.sa_handler = [](int caught) {
      WritePlace();
      raise(caught);  // With the default action again.
    };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(WritePlace);
}

void Run(const std::string& input) {
  // A copy of exactly its size, so that address sanitizer sees a read beyond its end.
  std::vector<uint8_t> bytes;
  bytes.reserve(std::max<size_t>(input.size(), 1));  // An empty one has an address, too.
  bytes.assign(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void RunFile(const std::string& path, const std::string& input) {
  std::snprintf(place, sizeof(place), "The input is the file %.900s\n", path.c_str());
  Run(input);
}

void RunSeed(uint64_t seed, const std::string& input) {
  static const char* const target = std::getenv("TEST_TARGET");  // Set by Bazel.
  std::snprintf(place, sizeof(place),
                "The input is the mutation with seed %llu. To run it again, and keep it:\n"
                "  ./weft test %.700s --test_arg=--seed=%llu --test_arg=--write=/tmp/input\n",
                static_cast<unsigned long long>(seed), target == nullptr ? "TARGET" : target,
                static_cast<unsigned long long>(seed));
  Run(input);
}

struct Arguments {
  std::vector<std::string> paths;
  uint64_t mutations = kMutations;
  std::optional<uint64_t> seed;
  std::string write;
};

uint64_t ParseNumber(absl::string_view text) {
  uint64_t number = 0;
  Check(absl::SimpleAtoi(text, &number), "--seed= and --mutations= are whole numbers from 0");
  return number;
}

Arguments ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--seed=")) {
      arguments.seed = ParseNumber(argument);
    } else if (absl::ConsumePrefix(&argument, "--mutations=")) {
      arguments.mutations = ParseNumber(argument);
    } else if (absl::ConsumePrefix(&argument, "--write=")) {
      arguments.write = std::string(argument);
    } else {
      arguments.paths.emplace_back(argument);
    }
  }
  return arguments;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Check(file.good(), "an input of the corpus cannot be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// By name, so that mutations do not depend on the order in which a folder lists its files.
std::map<std::string, std::string> ReadCorpus(const std::vector<std::string>& paths) {
  std::map<std::string, std::string> corpus;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      corpus[path] = ReadFile(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      corpus[entry.path().string()] = ReadFile(entry.path());
    }
  }
  Check(!corpus.empty(), "give the target's corpus: tests/fuzz/corpus/<target>");
  return corpus;
}

int Main(const Arguments& arguments) {
  const std::map<std::string, std::string> corpus = ReadCorpus(arguments.paths);
  std::vector<std::string> inputs;
  for (const auto& [path, input] : corpus) inputs.push_back(input);
  TellPlaceAtDeath();
  if (arguments.seed.has_value()) {
    const std::string input = Mutate(inputs, *arguments.seed);
    if (!arguments.write.empty()) std::ofstream(arguments.write, std::ios::binary) << input;
    RunSeed(*arguments.seed, input);
    return 0;
  }
  for (const auto& [path, input] : corpus) RunFile(path, input);
  for (uint64_t seed = 1; seed <= arguments.mutations; ++seed) {
    RunSeed(seed, Mutate(inputs, seed));
  }
  std::printf("%zu inputs and %llu mutations of them\n", inputs.size(),
              static_cast<unsigned long long>(arguments.mutations));
  return 0;
}

}  // namespace
}  // namespace weft::fuzz

int main(int argc, char** argv) { return weft::fuzz::Main(weft::fuzz::ParseArguments(argc, argv)); }
