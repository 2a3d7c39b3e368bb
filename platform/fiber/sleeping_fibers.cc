// What it takes to run --fibers of them at once on one shard, each of which sleeps for a second:
// start them, let them sleep and wake, end them, end the runtime. Prints one line of JSON.
#include <sys/resource.h>

#include <cstdint>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/measuring.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t fibers = weft::FibersFromFlags(argc, argv, 1'000'000);
  const weft::Clock& clock = weft::Clock::Real();
  const int64_t begin_nanos = clock.MonotonicNanos();
  int64_t page_table_bytes = 0;
  {
    weft::Runtime runtime({.shards = 1});
    runtime.Run([&] {
      weft::TaskGroup group;
      for (int64_t i = 0; i < fibers; ++i) {
        group.Spawn([] { return weft::SleepFor(absl::Seconds(1)); });
      }
      // Nobody has woken yet if the last one was started within a second; the page tables stay.
      weft::Yield();
      page_table_bytes = weft::ProcBytes("/proc/self/status", "VmPTE:");
      group.Wait().IgnoreError();
    });
  }
  const int64_t wall_nanos = clock.MonotonicNanos() - begin_nanos;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  absl::PrintF(
      "{\"fibers\":%d,\"wall_seconds\":%.3f,\"user_seconds\":%.3f,\"system_seconds\":%.3f,"
      "\"peak_resident_bytes\":%d,\"page_table_bytes\":%d}\n",
      fibers, 1e-9 * static_cast<double>(wall_nanos), Seconds(usage.ru_utime),
      Seconds(usage.ru_stime), weft::ProcBytes("/proc/self/status", "VmHWM:"), page_table_bytes);
  return 0;
}
