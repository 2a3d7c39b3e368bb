#include "platform/fiber/testing/simulated_clock.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "platform/base/check.h"
#include "platform/fiber/runtime.h"

namespace weft {

class SimulatedClock::SimulatedPoller final : public Poller {
 public:
  explicit SimulatedPoller(SimulatedClock& clock) : clock_(clock) {
    std::lock_guard<std::mutex> hold(clock_.mutex_);
    clock_.pollers_.push_back(this);
  }
  ~SimulatedPoller() override {
    std::lock_guard<std::mutex> hold(clock_.mutex_);
    std::erase(clock_.pollers_, this);
    clock_.WakeAllPollers();  // The others may be all that are left.
  }

  size_t Wait(int64_t deadline_nanos) override {
    std::unique_lock<std::mutex> hold(clock_.mutex_);
    deadline_nanos_ = deadline_nanos;
    waits_ = true;
    while (MustWait()) {
      if (clock_.AllWait()) ActWhenQuiet(hold);
      if (MustWait()) condition_.wait(hold);
    }
    waits_ = false;
    woken_ = false;
    return 0;
  }

  void Wake() override {
    std::lock_guard<std::mutex> hold(clock_.mutex_);
    woken_ = true;
    condition_.notify_one();
  }

  void OutsideWorkBegins() override { clock_.BeginHold(); }
  void OutsideWorkEnds() override { clock_.EndHold(); }

  SimulatedClock& clock() { return clock_; }

 private:
  friend class SimulatedClock;
  bool MustWait() const { return waits_ && !woken_ && deadline_nanos_ > clock_.MonotonicNanos(); }

  // Does what the header's list says. `hold` is of the clock's mutex.
  void ActWhenQuiet(std::unique_lock<std::mutex>& hold) {
    if (!clock_.until_quiet_.empty()) {
      const std::vector<internal::Waiter*> waiters = std::exchange(clock_.until_quiet_, {});
      woken_ = true;  // By itself: a fiber of this shard may be among them.
      hold.unlock();  // A wake of another shard takes this lock.
      for (internal::Waiter* const waiter : waiters) internal::Wake(*waiter);
      hold.lock();
      return;
    }
    if (clock_.holds_ > 0 || clock_.Jump()) return;
    if (clock_.awaited_ == 0 || clock_.report_stuck_ == nullptr || clock_.stuck_reported_) return;
    clock_.stuck_reported_ = true;
    hold.unlock();
    clock_.report_stuck_();
    hold.lock();
  }

  SimulatedClock& clock_;
  std::condition_variable condition_;
  int64_t deadline_nanos_ = 0;
  bool waits_ = false;
  bool woken_ = false;
};

SimulatedClock::~SimulatedClock() {
  Check(pollers_.empty(), "a SimulatedClock is destroyed before its runtime");
}

PollerFactory SimulatedClock::Pollers() {
  return [this](int) { return std::make_unique<SimulatedPoller>(*this); };
}

void SimulatedClock::Advance(absl::Duration duration) {
  Check(duration >= absl::ZeroDuration(), "time does not go back");
  std::lock_guard<std::mutex> hold(mutex_);
  now_nanos_.store(MonotonicNanos() + absl::ToInt64Nanoseconds(duration),
                   std::memory_order_release);
  WakeAllPollers();
}

bool SimulatedClock::AllWait() const {
  return std::all_of(pollers_.begin(), pollers_.end(),
                     [](const SimulatedPoller* poller) { return poller->MustWait(); });
}

// To the earliest deadline; false when there is none.
bool SimulatedClock::Jump() {
  int64_t earliest_nanos = kNeverNanos;
  for (const SimulatedPoller* poller : pollers_) {
    earliest_nanos = std::min(earliest_nanos, poller->deadline_nanos_);
  }
  if (earliest_nanos == kNeverNanos) return false;
  now_nanos_.store(earliest_nanos, std::memory_order_release);
  jumps_.fetch_add(1, std::memory_order_relaxed);
  WakeAllPollers();
  return true;
}

void SimulatedClock::WakeAllPollers() {
  for (SimulatedPoller* poller : pollers_) poller->condition_.notify_one();
}

void SimulatedClock::BeginHold() {
  std::lock_guard<std::mutex> hold(mutex_);
  ++holds_;
}

void SimulatedClock::EndHold() {
  std::lock_guard<std::mutex> hold(mutex_);
  --holds_;
  WakeAllPollers();
}

void WaitAllBlocked() {
  internal::Waiter waiter({.kind = "all others to block", .object = nullptr});
  auto* const poller = dynamic_cast<SimulatedClock::SimulatedPoller*>(Runtime::CurrentPoller());
  Check(poller != nullptr, "WaitAllBlocked() is for a runtime on a SimulatedClock (TestRuntime)");
  {
    std::lock_guard<std::mutex> hold(poller->clock().mutex_);
    poller->clock().until_quiet_.push_back(&waiter);
  }
  internal::ParkUncancellable(waiter);
}

}  // namespace weft
