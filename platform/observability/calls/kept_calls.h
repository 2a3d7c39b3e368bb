// What is kept of the calls of one method on one shard that have ended: the slowest and the latest
// failed ones. To ask whether a call is worth keeping is a comparison or two; only those that are
// cost memory and time. Used by one thread.
#ifndef WEFT_PLATFORM_OBSERVABILITY_CALLS_KEPT_CALLS_H_
#define WEFT_PLATFORM_OBSERVABILITY_CALLS_KEPT_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/observability/calls/call_record.h"

namespace weft::observability {

// Slow calls kept of each window, of which there are two: the current one and the one before.
inline constexpr size_t kSlowCallsKept = 8;
// Old enough to see what was slow before one looked, new enough that a slow start is forgotten.
inline constexpr int64_t kSlowCallsWindowNanos = 5 * 60 * int64_t{1'000'000'000};
// Failed calls kept, and as many at most in a second: under overload thousands a second fail, and
// keeping one costs more than refusing it did.
inline constexpr size_t kFailedCallsKept = 16;

// The slowest calls of the last five to ten minutes.
class SlowCalls {
 public:
  bool Wants(int64_t duration_nanos, int64_t now_nanos) {
    if (now_nanos >= window_end_nanos_) [[unlikely]]
      Turn(now_nanos);
    return duration_nanos > least_nanos_;
  }
  // One that it wants.
  void Keep(CallRecordPtr call);
  // Both windows' calls, in no order.
  std::vector<CallRecordPtr> All(int64_t now_nanos);

 private:
  void Turn(int64_t now_nanos);

  int64_t window_end_nanos_ = 0;
  int64_t least_nanos_ = -1;  // a call must be slower than this
  std::vector<CallRecordPtr> current_;
  std::vector<CallRecordPtr> previous_;
};

// The latest failed calls, at most kFailedCallsKept of each second.
class FailedCalls {
 public:
  // Counts the call if not.
  bool Wants(int64_t now_nanos);
  void Keep(CallRecordPtr call);
  const std::vector<CallRecordPtr>& all() const { return calls_; }  // in no order
  uint64_t total() const { return total_; }                         // kept or not

 private:
  std::vector<CallRecordPtr> calls_;  // a ring
  size_t next_ = 0;
  int64_t second_end_nanos_ = 0;
  size_t kept_in_second_ = 0;
  uint64_t total_ = 0;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_CALLS_KEPT_CALLS_H_
