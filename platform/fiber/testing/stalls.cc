#include "platform/fiber/testing/stalls.h"

#include <gtest/gtest.h>

#include "platform/fiber/testing/test_runtime.h"

namespace weft {

void StallRecorder::OnStall(const StallReport& report) noexcept {
  std::lock_guard<std::mutex> hold(mutex_);
  reports_.push_back(report);
  noticed_.store(true, std::memory_order_release);
  changed_.notify_all();
}

void StallRecorder::OnStallEnd(const StallEnd& end) noexcept {
  std::lock_guard<std::mutex> hold(mutex_);
  ends_.push_back(end);
  changed_.notify_all();
}

std::vector<StallReport> StallRecorder::reports() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return reports_;
}

std::vector<StallEnd> StallRecorder::ends() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return ends_;
}

void StallRecorder::WaitForReports(size_t count) const {
  std::unique_lock<std::mutex> hold(mutex_);
  changed_.wait(hold, [&] { return reports_.size() >= count; });
}

void StallRecorder::WaitForEnds(size_t count) const {
  std::unique_lock<std::mutex> hold(mutex_);
  changed_.wait(hold, [&] { return ends_.size() >= count; });
}

namespace internal {

std::atomic<uint64_t> stalls_told{0};

namespace {

// Tells of what counts.
class CountingRecorder final : public StallRecorder {
 public:
  void OnStall(const StallReport& report) noexcept override {
    StallRecorder::OnStall(report);
    if (report.cause != StallCause::kGetsNoCpu) stalls_told.fetch_add(1);
  }
};

}  // namespace

void ExpectNoStalls(absl::Duration limit, const std::function<void()>& function, const char* file,
                    int line) {
  CountingRecorder stalls;
  {
    TestRuntime runtime({.observer = &stalls,
                         .stall_threshold = limit,
                         .stall_report_interval = absl::ZeroDuration()});
    runtime.Run(function);
  }
  for (const StallReport& report : stalls.reports()) {
    if (report.cause == StallCause::kGetsNoCpu) continue;
    ADD_FAILURE_AT(file, line) << ToString(report) << "\n  limit: " << absl::FormatDuration(limit);
  }
}

}  // namespace internal
}  // namespace weft
