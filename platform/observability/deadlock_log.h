// DeadlockLog: writes rings of fibers that wait for each other's locks to the log, a line for the
// ring and one for each of its fibers, so that a search for a call's trace finds it:
//
//   {"ts":"…","level":"error","msg":"fibers wait for locks in a ring, and none can go on",
//    "module":"fiber","shard":0,"fibers":2,"ring":"17 > 28 > 17"}
//   {"ts":"…","level":"error","msg":"a fiber of a deadlock","module":"fiber","shard":0,
//    "trace_id":"4bf9…","call":"shop.v1.Shop/Get","fiber":17,"waits_for":"mutex","held_by":28,
//    "seconds":0.5,"ring":"17 > 28 > 17","stack":"weft::Mutex::Lock()\nshop::Reserve()\n…"}
#ifndef WEFT_PLATFORM_OBSERVABILITY_DEADLOCK_LOG_H_
#define WEFT_PLATFORM_OBSERVABILITY_DEADLOCK_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/fiber/fiber_info.h"

namespace weft::observability {

// The names of a ring's functions take milliseconds to find, which no shard may spend: a thread
// does it, that the first ring starts and that ends with this.
class DeadlockLog {
 public:
  // Rings that wait to be logged; of more, only the number is.
  static constexpr size_t kMaxWaitingRings = 16;
  // Fibers of one ring that get a line; of more, only the number is told.
  static constexpr size_t kMaxFibersLogged = 16;

  DeadlockLog() = default;
  DeadlockLog(const DeadlockLog&) = delete;
  DeadlockLog& operator=(const DeadlockLog&) = delete;
  // Blocks the thread until what was added has been logged.
  ~DeadlockLog();

  // `ring` has stacks. Any thread; neither parks nor blocks, but to start the thread once.
  void Add(const std::vector<FiberInfo>& ring);

 private:
  void ThreadMain();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closed_ || !waiting_.empty();
  }

  absl::Mutex mutex_;
  std::deque<std::vector<FiberInfo>> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t suppressed_ ABSL_GUARDED_BY(mutex_) = 0;  // since the last one that was taken
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);  // none before the first ring
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_DEADLOCK_LOG_H_
