// Watchdog: the thread that notices a shard which has not switched for too long, has it tell where
// it is, and reports. One for each runtime with a stall threshold.
//
// How it looks. A run that begins now cannot be a stall before the threshold has passed, so the
// watchdog sleeps until the oldest run it sees could be one: 40 looks a second at 25 ms, whatever
// the load, and a stall is noticed just after it has crossed the threshold. A look reads one word
// of each shard and its thread's CPU clock. When every shard waits and none has turned since the
// look before, the watchdog falls asleep, and the first shard that has something to do wakes it.
//
// What it costs a shard: a relaxed load for each turn of the loop, and a futex call for a turn that
// finds the watchdog asleep.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_WATCHDOG_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_WATCHDOG_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/internal/stall_tracker.h"
#include "platform/fiber/internal/stall_watch.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/stack_trace.h"

namespace weft::internal {

struct WatchdogOptions {
  int64_t threshold_nanos = 0;
  int64_t report_interval_nanos = 0;
  RuntimeObserver* observer = nullptr;
  std::string name;  // of the runtime
};

class Watchdog {
 public:
  explicit Watchdog(WatchdogOptions options);
  // Requires: Stop() was called, or never Start().
  ~Watchdog() = default;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // The watches outlive the thread, which ends with Stop(). Number n is shard n's.
  void Start(const std::vector<StallWatch*>& shards);
  // Blocks the thread until the last report has been delivered.
  void Stop();

  int64_t threshold_nanos() const { return options_.threshold_nanos; }

  // Whether it sleeps until a shard wakes it. For tests.
  bool asleep() const { return asleep_.load(std::memory_order_acquire); }

  // A shard has left its poller. The shard's thread; after it has shown its run.
  void ShardRuns() {
    if (asleep_.load(std::memory_order_relaxed)) [[unlikely]]
      WakeUp();
  }

 private:
  // The longest sleep while nothing runs. A shard that begins to run in the same nanoseconds in
  // which the watchdog falls asleep may go unseen so long, for neither fences.
  static constexpr int64_t kIdleSleepNanos = 1'000'000'000;
  // How late a look may come without being taken for a sign that the process got no CPU.
  static constexpr int64_t kUsualLatenessNanos = 1'000'000;
  // From the signal to the first look for its answer; doubled for each further one.
  static constexpr int64_t kAnswerNanos = 1'000'000;
  // A thread that has not taken the signal for so long, and still runs the same run, will not.
  static constexpr int64_t kGiveUpNanos = 1'000'000'000;

  struct Watched {
    StallWatch* watch;
    StallTracker tracker;
    uint64_t last_activity = StallWatch::kWaits;
    // A report that waits for its stack.
    bool pending = false;
    uint64_t pending_run = 0;
    int64_t asked_nanos = 0;
    int64_t patience_nanos = 0;
    StallReport report = {};
  };

  void ThreadMain();
  int64_t LookAtAll(int64_t overslept_nanos, bool* quiet);
  int64_t LookAt(size_t shard, int64_t overslept_nanos, bool* quiet);
  void AskForStack(Watched& watched, uint64_t run, int64_t now_nanos);
  int64_t CollectStack(Watched& watched, uint64_t run, int64_t now_nanos);
  void Deliver(Watched& watched);
  void End(int shard, uint64_t run);
  // How much later than wanted it came back.
  int64_t Sleep(int64_t nanos, bool deeply);
  void WakeUp();

  const WatchdogOptions options_;
  const bool can_ask_;
  std::vector<Watched> shards_;
  Symbolizer symbolizer_;
  std::thread thread_;

  alignas(64) std::atomic<bool> asleep_{false};
  std::mutex mutex_;  // of all below
  std::condition_variable condition_;
  bool stopping_ = false;
  bool woken_ = false;
  int64_t woken_nanos_ = 0;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_WATCHDOG_H_
