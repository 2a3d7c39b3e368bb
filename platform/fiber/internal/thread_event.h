// ThreadEvent: a thread waits until another one (or a fiber) says so, once. absl::Notification
// would do, but for ThreadSanitizer, which does not see the locks of Debian's Abseil: it is not
// instrumented. For the same reason this layer uses std::mutex between threads.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_THREAD_EVENT_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_THREAD_EVENT_H_

#include <condition_variable>
#include <mutex>

namespace weft::internal {

class ThreadEvent {
 public:
  // Never blocks for longer than a few instructions. The event may be destroyed as soon as Wait()
  // has returned.
  void Notify() {
    std::lock_guard<std::mutex> hold(mutex_);
    notified_ = true;
    condition_.notify_all();  // Under the lock, so that Wait() cannot return before it is done.
  }
  // Blocks the thread.
  void Wait() {
    std::unique_lock<std::mutex> hold(mutex_);
    condition_.wait(hold, [this] { return notified_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool notified_ = false;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_THREAD_EVENT_H_
