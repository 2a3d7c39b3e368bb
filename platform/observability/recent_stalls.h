// RecentStalls: the latest stalls that a runtime's watchdog told of, with their stacks, for whoever
// comes after the fact. What /debug/stalls shows.
#ifndef WEFT_PLATFORM_OBSERVABILITY_RECENT_STALLS_H_
#define WEFT_PLATFORM_OBSERVABILITY_RECENT_STALLS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/fiber/stall_report.h"

namespace weft::observability {

// Kept; the oldest make room.
inline constexpr size_t kMaxRecentStalls = 50;

struct RecentStall {
  StallReport report;
  absl::Time when;  // it was noticed
  bool over = false;
  int64_t whole_nanos = 0;  // once it is over
};

// Thread-safe. Stalls are rare and told by watchdogs, so that a lock does no harm.
class RecentStalls {
 public:
  void Add(const StallReport& report, absl::Time when);
  // Of the latest stall of that shard and fiber, if it was reported and is kept.
  void End(const StallEnd& end);
  // The newest first.
  std::vector<RecentStall> List() const;

 private:
  mutable absl::Mutex mutex_;
  std::deque<RecentStall> stalls_ ABSL_GUARDED_BY(mutex_);  // the newest first
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_RECENT_STALLS_H_
