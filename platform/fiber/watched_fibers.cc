// What it costs fibers to be watched: the same work on two runtimes, by turns in slices of --turns,
// each on a runtime of its own:
//   plain      no observer, and so no stall watchdog
//   watched    the stall watchdog, and an observer whose hooks do nothing
// Prints one line of JSON with the processor time of a turn, in nanoseconds, for each of --rounds.
// With --only=SUBJECT one slice of that runtime alone, for counting its instructions.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <random>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace {

// Two fibers yield to one another: half a turn each.
void Switch(int64_t turns) {
  weft::TaskGroup group;
  for (int i = 0; i < 2; ++i) {
    group.Spawn([turns] {
      for (int64_t turn = 0; turn < turns / 2; ++turn) weft::Yield();
    });
  }
  group.Wait().IgnoreError();
}

// A value is handed to a fiber that waits for it, and back: two parks a turn.
void Park(int64_t turns) {
  weft::Channel<int> there(1);
  weft::Channel<int> back(1);
  weft::TaskGroup group;
  group.Spawn([&] {
    while (there.Receive().has_value()) back.Send(1).IgnoreError();
  });
  for (int64_t turn = 0; turn < turns; ++turn) {
    there.Send(1).IgnoreError();
    back.Receive();
  }
  there.Close();
  group.Wait().IgnoreError();
}

// A child in a task group of its own is started and waited for.
void Spawn(int64_t turns) {
  for (int64_t turn = 0; turn < turns; ++turn) {
    weft::TaskGroup group;
    group.Spawn([] {});
    group.Wait().IgnoreError();
  }
}

struct Work {
  absl::string_view name;
  void (*run)(int64_t turns);
};
constexpr Work kWorks[] = {{"switch", Switch}, {"park", Park}, {"spawn", Spawn}};

constexpr std::array<absl::string_view, 2> kSubjects = {"plain", "watched"};

constexpr int64_t kWarmUpTurns = 1000;  // They touch new memory.

class IdleObserver final : public weft::RuntimeObserver {};

// Of all threads of the process, so that the watchdog's own counts.
int64_t CpuNanos() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The processor time of a turn. `stall` is the threshold.
double Slice(const Work& work, absl::string_view subject, int64_t turns, absl::Duration stall) {
  IdleObserver idle;
  weft::RuntimeOptions options{.shards = 1, .stall_threshold = stall};
  if (subject == "watched") options.observer = &idle;
  weft::Runtime runtime(options);
  int64_t nanos = 0;
  runtime.Run([&] {
    work.run(kWarmUpTurns);
    const int64_t begin = CpuNanos();
    work.run(turns);
    nanos = CpuNanos() - begin;
  });
  return static_cast<double>(nanos) / static_cast<double>(turns);
}

void Compare(const Work& work, int64_t turns, int rounds) {
  std::array<std::vector<double>, kSubjects.size()> nanos;
  std::array<size_t, kSubjects.size()> order = {0, 1};
  std::minstd_rand random(1);
  for (int round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t subject : order) {
      nanos[subject].push_back(
          Slice(work, kSubjects[subject], turns, weft::kDefaultStallThreshold));
    }
  }
  absl::PrintF("{\"work\":\"%s\"", work.name);
  for (size_t subject = 0; subject < kSubjects.size(); ++subject) {
    absl::PrintF(",\"%s\":[%s]", kSubjects[subject], absl::StrJoin(nanos[subject], ","));
  }
  absl::PrintF("}\n");
}

[[noreturn]] void Misuse() {
  std::fprintf(stderr,
               "usage: watched_fibers [--work=switch|park|spawn] [--turns=100000] [--rounds=50] "
               "[--only=plain|watched]\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const Work* work = &kWorks[0];
  int64_t turns = 100'000;
  int rounds = 50;
  absl::string_view only;
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (absl::ConsumePrefix(&flag, "--work=")) {
      work = std::find_if(std::begin(kWorks), std::end(kWorks),
                          [&](const Work& known) { return known.name == flag; });
      if (work == std::end(kWorks)) Misuse();
    } else if (absl::ConsumePrefix(&flag, "--only=")) {
      only = flag;
      if (std::find(kSubjects.begin(), kSubjects.end(), only) == kSubjects.end()) Misuse();
    } else if (absl::ConsumePrefix(&flag, "--turns=")) {
      if (!absl::SimpleAtoi(flag, &turns) || turns < 2) Misuse();
    } else if (!absl::ConsumePrefix(&flag, "--rounds=") || !absl::SimpleAtoi(flag, &rounds)) {
      Misuse();
    }
  }
  if (only.empty()) {
    Compare(*work, turns, rounds);
  } else {
    // Under valgrind everything is slow enough for a stall, whose report would be counted too.
    absl::PrintF("%.1f\n", Slice(*work, only, turns, absl::Hours(1)));
  }
  return 0;
}
