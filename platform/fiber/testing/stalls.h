// For tests that nothing keeps a shard to itself for too long.
//
//   TEST(Catalog, SearchingParksNowAndThen) {
//     EXPECT_NO_STALLS(absl::Milliseconds(50), {
//       EXPECT_TRUE(catalog.Search("lamp").ok());
//     });
//   }
//
// Runs are measured in real time, on a simulated clock too, so choose a limit far above what the
// code takes and far below what it would take if it were wrong. Only a thread that computes or
// blocks counts, not one that gets no CPU: a busy machine does not fail the test.
#ifndef WEFT_PLATFORM_FIBER_TESTING_STALLS_H_
#define WEFT_PLATFORM_FIBER_TESTING_STALLS_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/stall_report.h"

namespace weft {

// Runs the statement on a fiber of a TestRuntime (one shard, simulated clock), waits for its end,
// and fails the test for each fiber that ran for longer than `limit` without a park, with the stack
// that it had then.
#define EXPECT_NO_STALLS(limit, ...) \
  ::weft::internal::ExpectNoStalls((limit), [&] { __VA_ARGS__; }, __FILE__, __LINE__)

// Keeps what a runtime's watchdog tells, for runtimes of a test's own:
//
//   weft::StallRecorder stalls;
//   weft::Runtime runtime({.observer = &stalls, .stall_threshold = absl::Milliseconds(50),
//                          .stall_report_interval = absl::ZeroDuration()});
class StallRecorder : public RuntimeObserver {
 public:
  void OnStall(const StallReport& report) noexcept override;
  void OnStallEnd(const StallEnd& end) noexcept override;

  // So far. Any thread.
  std::vector<StallReport> reports() const;
  std::vector<StallEnd> ends() const;
  // Whether there is a report: for a fiber that spins until it has been noticed. Neither parks nor
  // blocks.
  bool noticed() const { return noticed_.load(std::memory_order_acquire); }
  // Block the thread until there are so many.
  void WaitForReports(size_t count) const;
  void WaitForEnds(size_t count) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<StallReport> reports_;
  std::vector<StallEnd> ends_;
  std::atomic<bool> noticed_{false};
};

namespace internal {

// Stalls that failed an EXPECT_NO_STALLS, or will at its end: for a fiber that spins until then.
extern std::atomic<uint64_t> stalls_told;

void ExpectNoStalls(absl::Duration limit, const std::function<void()>& function, const char* file,
                    int line);

}  // namespace internal
}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_STALLS_H_
