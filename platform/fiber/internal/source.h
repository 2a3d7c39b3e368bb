// Source: what a fiber takes results from, and waits for while there are none: the receiving end of
// a broadcast or a watch, an event, a future. A small class that refers to the primitive's state:
//
//   using Result = …;          what is taken; default constructible
//   SpinLock& lock();
//   under that lock:
//   bool Take(Result& result);         false when there is nothing yet
//   void TakeGranted(Result& result);  after a node's wake, which promised that there is something
//   void Add(WaitNode& node);          into the queue of those who wait
//   void Remove(WaitNode& node);       idempotent
//
// In return the primitive has both ways to wait, alone and as the case of a Select, from here.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SOURCE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SOURCE_H_

#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/select_case.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft::internal {

// Parks until there is something, and takes it. A cancel point when it parks. DEADLINE_EXCEEDED and
// the cancel scope's status say what the fiber was `doing`; nothing was taken then.
template <typename Source>
absl::Status TakeOrPark(Source source, typename Source::Result& result, absl::Time deadline,
                        const WaitInfo& info, absl::string_view doing) {
  Waiter waiter(info);
  {
    std::lock_guard<SpinLock> hold(source.lock());
    if (source.Take(result)) return absl::OkStatus();
    source.Add(waiter);
  }
  const WakeReason reason = Park(waiter, ToDeadlineNanos(deadline));
  {
    std::lock_guard<SpinLock> hold(source.lock());
    source.Remove(waiter);
    if (reason == WakeReason::kNotified) source.TakeGranted(result);
  }
  return ParkStatus(reason, doing);
}

template <typename Source>
bool TryTake(Source source, typename Source::Result& result) {
  std::lock_guard<SpinLock> hold(source.lock());
  return source.Take(result);
}

template <typename Source, typename Handler>
class SourceCase final : public SelectCase {
 public:
  SourceCase(Source source, Handler handler)
      : source_(std::move(source)), handler_(std::move(handler)) {}
  SourceCase(SourceCase&& other) noexcept
      : source_(std::move(other.source_)), handler_(std::move(other.handler_)) {}

 private:
  SpinLock* lock() override { return &source_.lock(); }
  bool TryFire() override { return source_.Take(result_); }
  void Arm(Waiter& waiter) override {
    node_.waiter = &waiter;
    node_.granted = false;
    source_.Add(node_);
  }
  bool Disarm() override {
    source_.Remove(node_);
    if (node_.granted) source_.TakeGranted(result_);
    return node_.granted;
  }
  void Handle() override { handler_(std::move(result_)); }

  Source source_;
  Handler handler_;
  typename Source::Result result_{};
  WaitNode node_{nullptr};
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SOURCE_H_
