#include "platform/rpc/admission/start_delay.h"

namespace weft::rpc {

void StartDelay::Started(int64_t delay_nanos, int64_t now_nanos) {
  const int64_t stretch = now_nanos / (options_.interval_nanos / kStretches);
  if (stretch != stretch_) {
    CloseStretch();
    // Nothing started for an interval: no queue, or a thread that stood still.
    if (stretch - stretch_ > kStretches) first_above_ = 0;
    stretch_ = stretch;
  }
  above_ |= delay_nanos > options_.target_nanos;
  ++calls_above_;
}

void StartDelay::CloseStretch() {
  if (above_) {
    if (first_above_ == 0) {
      first_above_ = stretch_;
      calls_above_ = 0;
    }
    last_above_ = stretch_;
    const int64_t stretches = stretch_ - first_above_;
    const bool busy = calls_above_ * kStretches >= options_.min_calls * stretches;
    if (stretches >= kStretches && busy) overloaded_ = true;
  } else {
    first_above_ = 0;
    if (stretch_ - last_above_ >= kStretches) overloaded_ = false;
  }
  above_ = false;
}

}  // namespace weft::rpc
