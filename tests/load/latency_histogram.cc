#include "tests/load/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weft::load {

// Values below 64 have a bucket each. Above, a value with its top bit at position b is cut to its
// upper 7 bits: (b - 6) is the octave, the 6 bits below the top one the bucket in it.
int LatencyHistogram::BucketOf(int64_t nanoseconds) {
  const int bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(nanoseconds)));
  const int shift = std::max(bits - kBucketBits - 1, 0);
  return static_cast<int>(shift * kBucketsPerOctave + (nanoseconds >> shift));
}

int64_t LatencyHistogram::BucketEnd(int bucket) {
  if (bucket < 2 * kBucketsPerOctave) return bucket;
  const int64_t shift = bucket / kBucketsPerOctave - 1;
  const int64_t cut = bucket - shift * kBucketsPerOctave;
  return ((cut + 1) << shift) - 1;
}

void LatencyHistogram::Record(int64_t latency_nanoseconds) {
  latency_nanoseconds =
      std::clamp<int64_t>(latency_nanoseconds, 0, (int64_t{1} << kLargestBits) - 1);
  ++buckets_[BucketOf(latency_nanoseconds)];
  ++count_;
  max_nanoseconds_ = std::max(max_nanoseconds_, latency_nanoseconds);
}

void LatencyHistogram::Clear() { *this = LatencyHistogram(); }

absl::Duration LatencyHistogram::Percentile(double fraction) const {
  const auto wanted =
      std::clamp<int64_t>(std::llround(std::ceil(fraction * static_cast<double>(count_))), 1,
                          std::max<int64_t>(count_, 1));
  int64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) {
      return absl::Nanoseconds(std::min(BucketEnd(bucket), max_nanoseconds_));
    }
  }
  return absl::ZeroDuration();
}

}  // namespace weft::load
