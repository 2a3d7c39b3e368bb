#include "platform/observability/recent_stalls.h"

namespace weft::observability {

void RecentStalls::Add(const StallReport& report, absl::Time when) {
  absl::MutexLock hold(&mutex_);
  stalls_.push_front({.report = report, .when = when});
  if (stalls_.size() > kMaxRecentStalls) stalls_.pop_back();
}

void RecentStalls::End(const StallEnd& end) {
  if (!end.reported) return;
  absl::MutexLock hold(&mutex_);
  for (RecentStall& stall : stalls_) {
    if (stall.report.shard != end.shard || stall.report.fiber_id != end.fiber_id) continue;
    if (!stall.over) {
      stall.over = true;
      stall.whole_nanos = end.nanos;
    }
    return;
  }
}

std::vector<RecentStall> RecentStalls::List() const {
  absl::MutexLock hold(&mutex_);
  return {stalls_.begin(), stalls_.end()};
}

}  // namespace weft::observability
