// Counts latencies in buckets of constant relative width, as HdrHistogram does: each power of two
// of nanoseconds is split into 64 equal buckets, so a percentile is off by 1/64 (1.6 %) at most, in
// fixed memory and without sorting.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace weft::load {

// Not thread-safe: one per thread.
class LatencyHistogram {
 public:
  // Negative latencies count as 0, those from 2^43 ns (2.4 h) on as just below it.
  void Record(int64_t latency_nanoseconds);

  void Clear();

  int64_t count() const { return count_; }

  // The largest latency recorded, exactly; 0 when there is none.
  absl::Duration max() const { return absl::Nanoseconds(max_nanoseconds_); }

  // The smallest latency that at least `fraction` (0 to 1) of all do not exceed, rounded up to its
  // bucket's end but never above max(); 0 when there is none.
  absl::Duration Percentile(double fraction) const;

 private:
  static constexpr int kBucketBits = 6;
  static constexpr int64_t kBucketsPerOctave = int64_t{1} << kBucketBits;
  static constexpr int kLargestBits = 43;
  static constexpr int kBuckets = (kLargestBits - kBucketBits + 1) * kBucketsPerOctave;

  static int BucketOf(int64_t nanoseconds);
  static int64_t BucketEnd(int bucket);

  std::array<int64_t, kBuckets> buckets_{};
  int64_t count_ = 0;
  int64_t max_nanoseconds_ = 0;
};

}  // namespace weft::load
