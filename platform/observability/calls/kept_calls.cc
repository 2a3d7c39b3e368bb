#include "platform/observability/calls/kept_calls.h"

#include <algorithm>
#include <utility>

namespace weft::observability {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;

bool IsFaster(const CallRecordPtr& a, const CallRecordPtr& b) {
  return a->duration_nanos < b->duration_nanos;
}

}  // namespace

void SlowCalls::Turn(int64_t now_nanos) {
  // After a pause of a whole window the current one is too old, too.
  if (now_nanos >= window_end_nanos_ + kSlowCallsWindowNanos) current_.clear();
  previous_ = std::exchange(current_, {});
  least_nanos_ = -1;
  window_end_nanos_ = now_nanos + kSlowCallsWindowNanos;
}

void SlowCalls::Keep(CallRecordPtr call) {
  if (current_.size() < kSlowCallsKept) {
    current_.push_back(std::move(call));
  } else {
    *std::min_element(current_.begin(), current_.end(), IsFaster) = std::move(call);
  }
  if (current_.size() < kSlowCallsKept) return;
  least_nanos_ = (*std::min_element(current_.begin(), current_.end(), IsFaster))->duration_nanos;
}

std::vector<CallRecordPtr> SlowCalls::All(int64_t now_nanos) {
  if (now_nanos >= window_end_nanos_) Turn(now_nanos);
  std::vector<CallRecordPtr> all = current_;
  all.insert(all.end(), previous_.begin(), previous_.end());
  return all;
}

bool FailedCalls::Wants(int64_t now_nanos) {
  ++total_;
  if (now_nanos >= second_end_nanos_) {
    second_end_nanos_ = now_nanos + kSecondNanos;
    kept_in_second_ = 0;
  }
  return kept_in_second_++ < kFailedCallsKept;
}

void FailedCalls::Keep(CallRecordPtr call) {
  if (calls_.size() < kFailedCallsKept) {
    calls_.push_back(std::move(call));
    return;
  }
  calls_[next_] = std::move(call);
  next_ = (next_ + 1) % kFailedCallsKept;
}

}  // namespace weft::observability
