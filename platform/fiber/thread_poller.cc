#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "platform/fiber/poller.h"

namespace weft {
namespace {

class ThreadPoller final : public Poller {
 public:
  explicit ThreadPoller(const Clock& clock) : clock_(clock) {}

  size_t Wait(int64_t deadline_nanos) override {
    if (deadline_nanos == 0) return 0;
    std::unique_lock<std::mutex> hold(mutex_);
    const auto woken = [this] { return woken_; };
    if (deadline_nanos == kNeverNanos) {
      condition_.wait(hold, woken);
    } else {
      // The shard asks again when a wait was cut short; longer ones make chrono's clocks overflow.
      constexpr int64_t kLongestWaitNanos = 3'600'000'000'000;
      const int64_t left = deadline_nanos - clock_.MonotonicNanos();
      condition_.wait_for(hold, std::chrono::nanoseconds(std::min(left, kLongestWaitNanos)), woken);
    }
    woken_ = false;
    return 0;
  }

  void Wake() override {
    std::lock_guard<std::mutex> hold(mutex_);
    woken_ = true;
    condition_.notify_one();
  }

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

}  // namespace

std::unique_ptr<Poller> MakeThreadPoller(const Clock& clock) {
  return std::make_unique<ThreadPoller>(clock);
}

}  // namespace weft
