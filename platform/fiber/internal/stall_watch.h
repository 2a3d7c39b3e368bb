// StallWatch: what a shard shows its watchdog, and how the watchdog asks it for a stack.
//
// Showing costs the shard a relaxed store for each switch, of a number that it needs anyway. A
// stack is taken by the shard's own thread in a signal handler (stall_signal.h), into memory that
// is there beforehand.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_STALL_WATCH_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_STALL_WATCH_H_

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "platform/fiber/internal/saved_stack.h"

namespace weft::internal {

// A stack on its way from the shard's thread to the watchdog's. States:
//   kFree  → kAsked       watchdog, which has set `asked_run`; it then sends the signal
//   kAsked → kFree        watchdog: it has given up
//   kAsked → kBeingTaken → kTaken   the signal handler
//   kTaken → kFree        watchdog, which has read what is below
struct StallSample {
  enum class State : int { kFree, kAsked, kBeingTaken, kTaken };
  static constexpr size_t kMaxText = 96;  // with the zero byte at its end

  std::atomic<State> state{State::kFree};
  uint64_t asked_run = 0;

  bool late = false;  // that run was over already: there is nothing below
  uint64_t fiber_id = 0;
  char fiber_name[kMaxText] = "";
  char description[kMaxText] = "";
  size_t frames = 0;
  uintptr_t addresses[kMaxStackFrames];
};

struct StallWatch {
  // Marks an activity that is a wait.
  static constexpr uint64_t kWaits = uint64_t{1} << 63;

  // What the shard does: the cycle count at which its run began; or kWaits and the number of the
  // loop's turn, when it waits in its poller. Written by the shard alone.
  std::atomic<uint64_t> activity{kWaits};

  // The last run that took longer than the threshold. Written by the shard, `start` last.
  std::atomic<uint64_t> long_run_start{0};
  std::atomic<uint64_t> long_run_cycles{0};
  std::atomic<uint64_t> long_run_fiber{0};

  StallSample sample;

  // The shard's thread; set before the watchdog starts.
  pthread_t thread = {};
  pid_t thread_id = 0;
  clockid_t cpu_clock = CLOCK_THREAD_CPUTIME_ID;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_STALL_WATCH_H_
