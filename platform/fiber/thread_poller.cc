#include "absl/synchronization/mutex.h"
#include "platform/fiber/poller.h"

namespace weft {
namespace {

class ThreadPoller final : public Poller {
 public:
  explicit ThreadPoller(const Clock& clock) : clock_(clock) {}

  size_t Wait(int64_t deadline_nanos) override {
    if (deadline_nanos == 0) return 0;
    absl::MutexLock hold(&mutex_);
    const auto woken = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return woken_; };
    if (deadline_nanos == kNeverNanos) {
      mutex_.Await(absl::Condition(&woken));
    } else {
      mutex_.AwaitWithTimeout(absl::Condition(&woken),
                              absl::Nanoseconds(deadline_nanos - clock_.MonotonicNanos()));
    }
    woken_ = false;
    return 0;
  }

  void Wake() override {
    absl::MutexLock hold(&mutex_);
    woken_ = true;
  }

 private:
  const Clock& clock_;
  absl::Mutex mutex_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<Poller> MakeThreadPoller(const Clock& clock) {
  return std::make_unique<ThreadPoller>(clock);
}

}  // namespace weft
