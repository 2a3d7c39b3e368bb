#include "platform/fiber/future.h"

#include <mutex>

#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/thread_event.h"

namespace weft::internal {

// The promise holds a reference to the state: the waiter cannot take it away under our hands.
void FutureCore::Publish() {
  std::lock_guard<SpinLock> hold(lock_);
  ready_.store(true, std::memory_order_release);
  waiters_.WakeAll();
  if (thread_ != nullptr) thread_->Notify();
}

absl::Status FutureCore::Wait(absl::Time deadline) {
  Waiter self({.kind = "future", .object = this});
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (ready()) return absl::OkStatus();
    Add(self);
  }
  const WakeReason reason = Park(self, ToDeadlineNanos(deadline));
  std::lock_guard<SpinLock> hold(lock_);
  Remove(self);
  return ready() ? absl::OkStatus() : ParkStatus(reason, "waiting for a future");
}

void FutureCore::Add(WaitNode& node) {
  Check(waiters_.empty() && thread_ == nullptr, "two wait for one Future");
  waiters_.Add(node);
}

void FutureCore::BlockingWait() {
  Check(Shard::Current() == nullptr,
        "BlockingGet() would stop all fibers of this shard: use Get() on a fiber");
  ThreadEvent event;
  {
    std::lock_guard<SpinLock> hold(lock_);
    if (ready()) return;
    Check(waiters_.empty() && thread_ == nullptr, "two wait for one Future");
    thread_ = &event;
  }
  event.Wait();
  std::lock_guard<SpinLock> hold(lock_);
  thread_ = nullptr;
}

void FutureCore::Abandon() {
  std::lock_guard<SpinLock> hold(lock_);
  Check(waiters_.empty() && thread_ == nullptr, "a Future is destroyed while it is waited for");
}

}  // namespace weft::internal
