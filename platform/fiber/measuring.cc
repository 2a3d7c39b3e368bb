#include "platform/fiber/measuring.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace weft {

int64_t FibersFromFlags(int argc, char** argv, int64_t usual) {
  int64_t fibers = usual;
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (!absl::ConsumePrefix(&flag, "--fibers=") || !absl::SimpleAtoi(flag, &fibers) ||
        fibers < 1) {
      std::fprintf(stderr, "usage: %s [--fibers=%lld]\n", argv[0], static_cast<long long>(usual));
      std::exit(2);
    }
  }
  return fibers;
}

int64_t ProcBytes(const char* file, const char* key) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    int64_t kib = 0;
    if (word == key && lines >> kib) return kib * 1024;
  }
  std::fprintf(stderr, "cannot read %s from %s\n", key, file);
  std::exit(1);
}

}  // namespace weft
