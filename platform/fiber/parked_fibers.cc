// What a parked fiber keeps resident: parks --fibers of them in a sleep, each with a task, a cancel
// scope's list entry and a timer, and prints one line of JSON.
#include <cstdint>

#include "absl/strings/str_format.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/measuring.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace {

// smaps_rollup counts pages; the figures of /proc/self/statm may be off by some for each thread.
int64_t ResidentBytes() { return weft::ProcBytes("/proc/self/smaps_rollup", "Rss:"); }

}  // namespace

int main(int argc, char** argv) {
  const int64_t fibers = weft::FibersFromFlags(argc, argv, 100'000);
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
