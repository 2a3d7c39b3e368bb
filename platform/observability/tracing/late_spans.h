// LateSpans: spans of calls that sampling had passed over and that turned out slow or failed. A
// ratio of 1 % misses 99 of 100 errors; recording every call costs each of them some microseconds.
// The call recorder notes what a call does anyway (calls/call_recorder.h), so its record is the
// buffer: when the call has ended badly, its SERVER span and the CLIENT spans of what it called are
// made of it, with the times that they had, and go where all spans go.
//
//   LateSpans late(tracer, absl::Seconds(1));
//   recorder.OnKept([&late](const CallRecord& record) { late.Add(record); });
//
// They are in the trace whose id the call's log lines have. Where several services of a request are
// slow or fail each adds its own part; the parts hang under the span that began the trace, as what
// was not recorded in between is missing. Such spans have weft.late = true.
//
// "Failed" is a status that is the server's fault, as for the error status of its spans. At most
// kMaxLateCallsPerSecond calls are taken, so that an outage is not made worse by its traces.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_LATE_SPANS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_LATE_SPANS_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/observability/calls/call_record.h"
#include "platform/observability/tracing/server_spans.h"

namespace weft::observability {

// Of the process; as many at once after a quiet second.
inline constexpr int kMaxLateCallsPerSecond = 20;

class LateSpans {
 public:
  // `tracer` null: nothing is recorded. Successful calls that took `slow` or longer are slow.
  LateSpans(TracerPtr tracer, absl::Duration slow, const Clock& clock = Clock::Real())
      : tracer_(std::move(tracer)), slow_nanos_(absl::ToInt64Nanoseconds(slow)), clock_(clock) {}

  // A call that has just ended, on its fiber, while its trace is current. Takes some microseconds
  // a span when there is one to make; never parks.
  void Add(const CallRecord& record);

 private:
  bool IsWanted(const CallRecord& record) const;

  const TracerPtr tracer_;
  const int64_t slow_nanos_;
  const Clock& clock_;
  std::atomic<int64_t> full_at_nanos_{0};  // of the calls that are taken: base/cell_rate.h
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_LATE_SPANS_H_
