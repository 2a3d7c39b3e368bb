#include "platform/rpc/testing/manual_clock.h"

#include <algorithm>

#include "platform/base/check.h"
#include "platform/rpc/testing/short_lock.h"

namespace weft::rpc {

ManualClock::~ManualClock() {
  Check(runtimes_.empty(), "a ManualClock outlives the runtimes and servers that use it");
}

void ManualClock::Advance(absl::Duration duration) {
  Check(duration >= absl::ZeroDuration(), "time does not go back");
  const internal::ShortLock hold(mutex_);
  now_nanos_.store(MonotonicNanos() + absl::ToInt64Nanoseconds(duration),
                   std::memory_order_release);
  for (Runtime* const runtime : runtimes_) {
    for (int shard = 0; shard < runtime->shards(); ++shard) runtime->Post(shard, [] {});
  }
}

void ManualClock::Add(Runtime& runtime) {
  const internal::ShortLock hold(mutex_);
  runtimes_.push_back(&runtime);
}

void ManualClock::Remove(Runtime& runtime) {
  const internal::ShortLock hold(mutex_);
  runtimes_.erase(std::remove(runtimes_.begin(), runtimes_.end(), &runtime), runtimes_.end());
}

}  // namespace weft::rpc
