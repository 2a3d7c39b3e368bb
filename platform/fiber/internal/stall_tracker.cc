#include "platform/fiber/internal/stall_tracker.h"

#include <algorithm>
#include <utility>

namespace weft::internal {
namespace {

// The share of the threshold over which CPU time is measured at least, and so how much later than
// the threshold a stall is noticed at worst.
constexpr int64_t kWindowDivisor = 4;

}  // namespace

StallTracker::Verdict StallTracker::Look(const ShardLook& look,
                                         absl::FunctionRef<ThreadState()> state) {
  Verdict verdict;
  if (look.run != run_) verdict.ended = EndStall();
  TakeTimes(look);
  if (run_ == 0) {
    verdict.next_nanos = kNever;
    return verdict;
  }
  const int64_t left_nanos = threshold_nanos_ - (look.run_nanos - excused_nanos_);
  const int64_t window_left_nanos = threshold_nanos_ / kWindowDivisor - WindowNanos(look);
  verdict.next_nanos = std::max(left_nanos, window_left_nanos);
  if (verdict.next_nanos > 0) return verdict;

  verdict.next_nanos = threshold_nanos_;
  if (!std::exchange(stalled_, true)) own_.reported = starved_.reported = false;
  cause_ = Cause(look, state);
  Reports& reports = cause_ == StallCause::kGetsNoCpu ? starved_ : own_;
  verdict.report = MayReport(reports, look.now_nanos);
  if (verdict.report) {
    verdict.suppressed = std::exchange(suppressed_, 0);
    reports = {.reported = true, .last_nanos = look.now_nanos};
  }
  return verdict;
}

// What the stall was stays readable.
bool StallTracker::EndStall() {
  const bool ended = std::exchange(stalled_, false);
  if (ended && !reported()) ++suppressed_;
  return ended;
}

bool StallTracker::MayReport(const Reports& reports, int64_t now_nanos) const {
  if (!reports.last_nanos.has_value()) return true;
  const int64_t interval_nanos =
      reports.reported ? std::max(kRepeatNanos, report_interval_nanos_) : report_interval_nanos_;
  return now_nanos - *reports.last_nanos >= interval_nanos;
}

void StallTracker::TakeTimes(const ShardLook& look) {
  const bool first = look.run != run_;
  if (first) excused_nanos_ = 0;
  const int64_t lost_nanos = std::min(look.overslept_nanos, look.run_nanos);
  // CPU time that does not fit into what the watchdog did sleep was had while it overslept.
  const int64_t slept_nanos = look.now_nanos - look.overslept_nanos - last_nanos_;
  const int64_t had_nanos = look.cpu_nanos - last_cpu_nanos_ - slept_nanos;
  excused_nanos_ += std::max<int64_t>(0, lost_nanos - std::max<int64_t>(0, had_nanos));
  last_nanos_ = look.now_nanos;
  last_cpu_nanos_ = look.cpu_nanos;
  if (!first) return;
  run_ = look.run;
  first_nanos_ = look.now_nanos;
  first_cpu_nanos_ = look.cpu_nanos;
  first_excused_nanos_ = excused_nanos_;
}

int64_t StallTracker::WindowNanos(const ShardLook& look) const {
  return look.now_nanos - first_nanos_ - (excused_nanos_ - first_excused_nanos_);
}

StallCause StallTracker::Cause(const ShardLook& look,
                               absl::FunctionRef<ThreadState()> state) const {
  const int64_t cpu_nanos = look.cpu_nanos - first_cpu_nanos_;
  // Also a thread that shares its CPU has computed for too long at some time.
  if (cpu_nanos >= std::min(WindowNanos(look) / 2, threshold_nanos_)) return StallCause::kComputes;
  return state() == ThreadState::kAsleep ? StallCause::kBlocks : StallCause::kGetsNoCpu;
}

}  // namespace weft::internal
