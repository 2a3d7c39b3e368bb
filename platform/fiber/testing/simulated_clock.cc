#include "platform/fiber/testing/simulated_clock.h"

#include <algorithm>
#include <condition_variable>

#include "platform/base/check.h"

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
      clock_.JumpIfAllWait();
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

 private:
  friend class SimulatedClock;
  bool MustWait() const { return waits_ && !woken_ && deadline_nanos_ > clock_.MonotonicNanos(); }

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

void SimulatedClock::JumpIfAllWait() {
  if (holds_ > 0) return;
  int64_t earliest_nanos = kNeverNanos;
  for (const SimulatedPoller* poller : pollers_) {
    if (!poller->MustWait()) return;
    earliest_nanos = std::min(earliest_nanos, poller->deadline_nanos_);
  }
  if (earliest_nanos == kNeverNanos) return;
  now_nanos_.store(earliest_nanos, std::memory_order_release);
  jumps_.fetch_add(1, std::memory_order_relaxed);
  WakeAllPollers();
}

void SimulatedClock::WakeAllPollers() {
  for (SimulatedPoller* poller : pollers_) poller->condition_.notify_one();
}

SimulatedClock::Hold::Hold(SimulatedClock& clock) : clock_(clock) {
  std::lock_guard<std::mutex> hold(clock_.mutex_);
  ++clock_.holds_;
}

SimulatedClock::Hold::~Hold() {
  std::lock_guard<std::mutex> hold(clock_.mutex_);
  --clock_.holds_;
  clock_.WakeAllPollers();
}

}  // namespace weft
