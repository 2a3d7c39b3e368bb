// What a parked fiber keeps resident: parks --fibers of them in a sleep, each with a task, a cancel
// scope's list entry and a timer, and prints one line of JSON.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace {

// smaps_rollup counts pages; the figures of /proc/self/statm may be off by some for each thread.
int64_t ResidentBytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    int64_t kib = 0;
    if (word == "Rss:" && rollup >> kib) return kib * 1024;
  }
  std::fprintf(stderr, "parked_fibers: cannot read Rss from /proc/self/smaps_rollup\n");
  std::exit(1);
}

int64_t FibersFromFlags(int argc, char** argv) {
  int64_t fibers = 100'000;
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (!absl::ConsumePrefix(&flag, "--fibers=") || !absl::SimpleAtoi(flag, &fibers) ||
        fibers < 1) {
      std::fprintf(stderr, "usage: parked_fibers [--fibers=100000]\n");
      std::exit(2);
    }
  }
  return fibers;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t fibers = FibersFromFlags(argc, argv);
  weft::Runtime runtime({.shards = 1});
  runtime.Run([fibers] {
    const int64_t rss_before = ResidentBytes();
    int64_t parked = 0;
    weft::TaskGroup group;
    for (int64_t i = 0; i < fibers; ++i) {
      group.Spawn([&parked] {
        ++parked;
        return weft::SleepFor(absl::Hours(24));
      });
    }
    while (parked < fibers) weft::Yield();
    const int64_t rss_parked = ResidentBytes();
    absl::PrintF(
        "{\"fibers\":%d,\"rss_bytes_before\":%d,\"rss_bytes_parked\":%d,"
        "\"bytes_per_fiber\":%d}\n",
        fibers, rss_before, rss_parked, (rss_parked - rss_before) / fibers);
  });
  return 0;
}
