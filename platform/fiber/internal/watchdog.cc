#include "platform/fiber/internal/watchdog.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/stall_signal.h"
#include "platform/fiber/internal/thread_usage.h"

namespace weft::internal {
namespace {

constexpr int64_t kNever = StallTracker::kNever;

int64_t ToNanos(uint64_t cycles) {
  return static_cast<int64_t>(static_cast<double>(cycles) * NanosPerCycle());
}

int64_t NowNanos() { return ToNanos(ReadCycles()); }

// Zero while the shard waits.
uint64_t RunOf(uint64_t activity) { return (activity & StallWatch::kWaits) != 0 ? 0 : activity; }

int64_t NanosSince(uint64_t run) {
  const uint64_t now = ReadCycles();
  // Processors' counters may differ by a little.
  return run == 0 || now < run ? 0 : ToNanos(now - run);
}

}  // namespace

Watchdog::Watchdog(WatchdogOptions options)
    : options_(std::move(options)), can_ask_(InstallStallSignal()) {}

void Watchdog::Start(const std::vector<StallWatch*>& shards) {
  for (StallWatch* const watch : shards) {
    shards_.push_back(
        {watch, StallTracker(options_.threshold_nanos, options_.report_interval_nanos)});
  }
  thread_ = std::thread([this] { ThreadMain(); });
}

void Watchdog::Stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stopping_ = true;
    condition_.notify_one();
  }
  thread_.join();
}

void Watchdog::ThreadMain() {
  const std::string name = absl::StrCat(options_.name.substr(0, 6), "-watchdog");
  pthread_setname_np(pthread_self(), name.c_str());
  int64_t overslept_nanos = 0;
  for (bool stop = false; !stop;) {
    {
      std::lock_guard<std::mutex> hold(mutex_);
      stop = stopping_;  // after one more look: what has ended is still to be told
    }
    bool quiet = true;
    const int64_t next_nanos = LookAtAll(overslept_nanos, &quiet);
    if (!stop) overslept_nanos = Sleep(next_nanos, quiet);
  }
}

// --- Looking ---------------------------------------------------------------------------------

// Returns in how long the next look is due. `quiet`: no shard does anything.
int64_t Watchdog::LookAtAll(int64_t overslept_nanos, bool* quiet) {
  int64_t next_nanos = kNever;
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    next_nanos = std::min(next_nanos, LookAt(shard, overslept_nanos, quiet));
  }
  return next_nanos != kNever ? next_nanos : options_.threshold_nanos;
}

int64_t Watchdog::LookAt(size_t shard, int64_t overslept_nanos, bool* quiet) {
  Watched& watched = shards_[shard];
  StallWatch& watch = *watched.watch;
  const uint64_t run_before = RunOf(watched.last_activity);
  const uint64_t activity = watch.activity.load(std::memory_order_relaxed);
  *quiet = *quiet && activity == watched.last_activity && RunOf(activity) == 0;
  watched.last_activity = activity;

  const uint64_t run = RunOf(activity);
  const ShardLook look{.now_nanos = NowNanos(),
                       .run = run,
                       .run_nanos = NanosSince(run),
                       .cpu_nanos = CpuNanos(watch.cpu_clock),
                       .overslept_nanos = overslept_nanos};
  const StallTracker::Verdict verdict =
      watched.tracker.Look(look, [&] { return StateOfThread(watch.thread_id); });
  int64_t next_nanos = verdict.next_nanos;
  if (watched.pending)
    next_nanos = std::min(next_nanos, CollectStack(watched, run, look.now_nanos));
  if (verdict.ended) End(static_cast<int>(shard), run_before);
  if (verdict.report && !watched.pending) {
    watched.report = {.shard = static_cast<int>(shard),
                      .nanos = look.run_nanos,
                      .cause = watched.tracker.cause(),
                      .suppressed = verdict.suppressed};
    AskForStack(watched, run, look.now_nanos);
    next_nanos = std::min(next_nanos, CollectStack(watched, run, look.now_nanos));
  }
  return next_nanos;
}

void Watchdog::End(int shard, uint64_t run) {
  const Watched& watched = shards_[static_cast<size_t>(shard)];
  const StallWatch& watch = *watched.watch;
  StallEnd end{.shard = shard,
               .nanos = NanosSince(run),  // unless the shard has told it exactly
               .cause = watched.tracker.cause(),
               .reported = watched.tracker.reported()};
  if (watch.long_run_start.load(std::memory_order_acquire) == run) {
    end.nanos = ToNanos(watch.long_run_cycles.load(std::memory_order_relaxed));
    end.fiber_id = watch.long_run_fiber.load(std::memory_order_relaxed);
  }
  options_.observer->OnStallEnd(end);
}

// --- Stacks ----------------------------------------------------------------------------------

void Watchdog::AskForStack(Watched& watched, uint64_t run, int64_t now_nanos) {
  watched.pending = true;
  watched.pending_run = run;
  watched.asked_nanos = now_nanos;
  watched.patience_nanos = kAnswerNanos;
  if (!can_ask_) return;
  StallSample& sample = watched.watch->sample;
  sample.asked_run = run;
  sample.state.store(StallSample::State::kAsked, std::memory_order_release);
  SendStallSignal(watched.watch->thread);
}

// Delivers the report that is pending, once it has its stack or will get none. Returns in how long
// to look again.
int64_t Watchdog::CollectStack(Watched& watched, uint64_t run, int64_t now_nanos) {
  using State = StallSample::State;
  StallSample& sample = watched.watch->sample;
  StallReport& report = watched.report;
  State state = sample.state.load(std::memory_order_acquire);
  if (state == State::kAsked) {
    const bool over = run != watched.pending_run;
    const bool hopeless = now_nanos - watched.asked_nanos > kGiveUpNanos;
    if ((over || hopeless) && sample.state.compare_exchange_strong(state, State::kFree)) {
      report.no_stack = over ? "it was over before the thread took the signal"
                             : "the thread does not take the signal: it blocks SIGURG, or waits "
                               "in the kernel uninterruptibly";
      Deliver(watched);
      return kNever;
    }
  }
  if (state == State::kAsked || state == State::kBeingTaken) {
    return std::exchange(watched.patience_nanos,
                         std::min(2 * watched.patience_nanos, kGiveUpNanos));
  }
  if (state == State::kFree) {
    report.no_stack = "the program handles SIGURG itself";
  } else if (sample.late) {
    report.no_stack = "it was over when the thread took the signal";
    sample.state.store(State::kFree, std::memory_order_relaxed);
  } else {
    report.fiber_id = sample.fiber_id;
    report.fiber_name = sample.fiber_name;
    report.trace_id = sample.description;
    report.stack = symbolizer_.FiberStack({sample.addresses, sample.addresses + sample.frames});
    if (report.stack.empty()) report.no_stack = "the stack could not be walked";
    sample.state.store(State::kFree, std::memory_order_relaxed);
  }
  Deliver(watched);
  return kNever;
}

void Watchdog::Deliver(Watched& watched) {
  watched.pending = false;
  options_.observer->OnStall(std::exchange(watched.report, {}));
}

// --- Sleeping --------------------------------------------------------------------------------

int64_t Watchdog::Sleep(int64_t nanos, bool deeply) {
  nanos = deeply ? kIdleSleepNanos : std::min(nanos, kIdleSleepNanos);
  int64_t wanted_nanos = NowNanos() + nanos;
  std::unique_lock<std::mutex> hold(mutex_);
  woken_ = false;
  if (deeply) {
    asleep_.store(true, std::memory_order_seq_cst);
    // A shard that began before it could see this would wake nobody.
    for (const Watched& watched : shards_) {
      if (watched.watch->activity.load(std::memory_order_seq_cst) != watched.last_activity) {
        woken_ = true;
        woken_nanos_ = NowNanos();
      }
    }
  }
  condition_.wait_for(hold, std::chrono::nanoseconds(nanos),
                      [this] { return stopping_ || woken_; });
  asleep_.store(false, std::memory_order_relaxed);
  if (woken_) wanted_nanos = std::min(wanted_nanos, woken_nanos_);
  return std::max<int64_t>(0, NowNanos() - wanted_nanos - kUsualLatenessNanos);
}

void Watchdog::WakeUp() {
  if (!asleep_.exchange(false, std::memory_order_relaxed)) return;  // Another shard does it.
  std::lock_guard<std::mutex> hold(mutex_);
  woken_ = true;
  woken_nanos_ = NowNanos();
  condition_.notify_one();
}

}  // namespace weft::internal
