// CallCounts: what well-behaved callers saw of a server to which something happens.
#ifndef WEFT_TESTS_FAULTS_CALL_COUNTS_H_
#define WEFT_TESTS_FAULTS_CALL_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/load/latency_histogram.h"

namespace weft::faults {

// Thread-safe.
class CallCounts {
 public:
  void Begin();
  // The call that began has ended. DATA_LOSS: its answer was not the one to its request.
  void End(const absl::Status& status, absl::Duration took);

  // One JSON object of what has ended since the last one: `calls`, `codes` (name: number), `texts`
  // (of the first error of each code); since Mark(): `p50_ms` and `p99_ms` of the answered,
  // `max_ms` of all; and `in_flight`: the calls that have not ended.
  std::string TakeReport();
  // Forgets how long calls have taken.
  void Mark();

 private:
  absl::Mutex mutex_;
  int64_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int64_t> codes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> texts_ ABSL_GUARDED_BY(mutex_);
  absl::Duration longest_ ABSL_GUARDED_BY(mutex_);
  load::LatencyHistogram answered_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::faults

#endif  // WEFT_TESTS_FAULTS_CALL_COUNTS_H_
