// What a look at --fibers parked ones costs their shard: lists them, with stacks, while one more
// fiber does nothing but yield. Its longest wait for its next turn is what the listing kept the
// shard from everybody. Prints one line of JSON.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/fiber_info.h"
#include "platform/fiber/measuring.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace {

constexpr int kListings = 5;

// Of each listing, and of as long a pause after it.
constexpr int kPeriods = 2 * kListings;

bool IsListing(int period) { return period % 2 == 0; }

// What the calling thread has used: unlike the clock, it stands while other programs have the
// processor; but not while a virtual machine's host has it.
int64_t ThreadCpuNanos() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The longest time from one turn of the ticking fiber to its next.
struct LongestTurn {
  int64_t wall_nanos = 0;
  int64_t cpu_nanos = 0;
};

using LongestTurns = std::array<LongestTurn, kPeriods>;

// Yields until the last period is over.
void Tick(const std::atomic<int>& period, LongestTurns* longest) {
  const weft::Clock& clock = weft::Clock::Real();
  int64_t wall = clock.MonotonicNanos();
  int64_t cpu = ThreadCpuNanos();
  int before = period;
  while (before < kPeriods) {
    weft::Yield();
    const int64_t wall_now = clock.MonotonicNanos();
    const int64_t cpu_now = ThreadCpuNanos();
    const int now = period;
    // A turn that a listing began or ended in is one of it.
    const int of = IsListing(before) || now == kPeriods ? before : now;
    LongestTurn& turn = (*longest)[static_cast<size_t>(of)];
    turn.wall_nanos = std::max(turn.wall_nanos, wall_now - wall);
    turn.cpu_nanos = std::max(turn.cpu_nanos, cpu_now - cpu);
    wall = wall_now;
    cpu = cpu_now;
    before = now;
  }
}

// The median over the listings, or over the pauses, in microseconds: what the host took of one of
// them does not count.
double MedianMicros(const LongestTurns& longest, bool listing, int64_t LongestTurn::*nanos) {
  std::vector<int64_t> values;
  for (int period = 0; period < kPeriods; ++period) {
    if (IsListing(period) == listing) values.push_back(longest[static_cast<size_t>(period)].*nanos);
  }
  std::sort(values.begin(), values.end());
  return 1e-3 * static_cast<double>(values[values.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t fibers = weft::FibersFromFlags(argc, argv, 100'000);
  weft::Runtime runtime({.shards = 1});
  absl::Notification parked;
  std::atomic<int> period = 0;
  LongestTurns longest;
  std::thread shard([&] {
    runtime.Run([&] {
      weft::TaskGroup group;
      for (int64_t i = 0; i < fibers; ++i) {
        group.Spawn("sleeper", [] { return weft::SleepFor(absl::Hours(24)); });
      }
      weft::Yield();
      parked.Notify();
      Tick(period, &longest);
      group.Cancel();
      group.Wait().IgnoreError();
    });
  });
  parked.WaitForNotification();
  const weft::Clock& clock = weft::Clock::Real();
  size_t listed = 0;
  size_t with_stack = 0;
  std::vector<int64_t> nanos;
  for (int i = 0; i < kListings; ++i) {
    const int64_t begin = clock.MonotonicNanos();
    const std::vector<weft::FiberInfo> infos = runtime.Fibers({.stacks = true});
    nanos.push_back(clock.MonotonicNanos() - begin);
    ++period;
    listed = infos.size();
    with_stack = static_cast<size_t>(std::count_if(
        infos.begin(), infos.end(), [](const auto& info) { return !info.stack.empty(); }));
    runtime.Run([&] { return weft::SleepFor(absl::Nanoseconds(nanos.back())); }).IgnoreError();
    ++period;
  }
  shard.join();
  std::sort(nanos.begin(), nanos.end());
  absl::PrintF(
      "{\"listed\":%d,\"with_stack\":%d,\"seconds\":%.4f,\"longest_turn_us\":%.1f,"
      "\"longest_turn_cpu_us\":%.1f,\"longest_turn_without_us\":%.1f,"
      "\"longest_turn_without_cpu_us\":%.1f}\n",
      listed, with_stack, 1e-9 * static_cast<double>(nanos[kListings / 2]),
      MedianMicros(longest, true, &LongestTurn::wall_nanos),
      MedianMicros(longest, true, &LongestTurn::cpu_nanos),
      MedianMicros(longest, false, &LongestTurn::wall_nanos),
      MedianMicros(longest, false, &LongestTurn::cpu_nanos));
  return 0;
}
