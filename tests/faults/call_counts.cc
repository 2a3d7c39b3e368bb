#include "tests/faults/call_counts.h"

#include <algorithm>

#include "nlohmann/json.hpp"

namespace weft::faults {

void CallCounts::Begin() {
  absl::MutexLock hold(&mutex_);
  ++in_flight_;
}

void CallCounts::End(const absl::Status& status, absl::Duration took) {
  const std::string code = absl::StatusCodeToString(status.code());
  absl::MutexLock hold(&mutex_);
  --in_flight_;
  ++calls_;
  ++codes_[code];
  longest_ = std::max(longest_, took);
  if (status.ok()) {
    answered_.Record(absl::ToInt64Nanoseconds(took));
  } else {
    texts_.try_emplace(code, status.message());
  }
}

std::string CallCounts::TakeReport() {
  nlohmann::json report;
  absl::MutexLock hold(&mutex_);
  report["in_flight"] = in_flight_;
  report["calls"] = calls_;
  report["codes"] = codes_;
  report["texts"] = texts_;
  report["p50_ms"] = absl::ToDoubleMilliseconds(answered_.Percentile(0.50));
  report["p99_ms"] = absl::ToDoubleMilliseconds(answered_.Percentile(0.99));
  report["max_ms"] = absl::ToDoubleMilliseconds(longest_);
  calls_ = 0;
  codes_.clear();
  texts_.clear();
  // A server's error text may be any bytes.
  return report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void CallCounts::Mark() {
  absl::MutexLock hold(&mutex_);
  longest_ = absl::ZeroDuration();
  answered_.Clear();
}

}  // namespace weft::faults
