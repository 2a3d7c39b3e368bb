#include "services/storefront/load/quantiles.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace storefront {

// Values below 2^kSubBits have a bucket each. Above, the highest bit chooses a group of 2^kSubBits
// buckets, and the bits behind it one of the group.
size_t Quantiles::BucketOf(uint64_t micros) {
  if (micros < (1u << kSubBits)) return static_cast<size_t>(micros);
  const int power = std::bit_width(micros) - 1;
  const size_t group = static_cast<size_t>(power - kSubBits + 1);
  const size_t within = static_cast<size_t>(micros >> (power - kSubBits)) - (1u << kSubBits);
  return std::min((group << kSubBits) + within, kBuckets - 1);
}

uint64_t Quantiles::UpperEndOf(size_t bucket) {
  const size_t group = bucket >> kSubBits;
  if (group == 0) return bucket;
  const uint64_t within = (bucket & ((1u << kSubBits) - 1)) + (1u << kSubBits);
  return ((within + 1) << (group - 1)) - 1;
}

void Quantiles::Record(absl::Duration duration) {
  const int64_t micros = std::max<int64_t>(0, absl::ToInt64Microseconds(duration));
  ++counts_[BucketOf(static_cast<uint64_t>(micros))];
  ++count_;
}

void Quantiles::Add(const Quantiles& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
}

absl::Duration Quantiles::At(double share) const {
  if (count_ == 0) return absl::ZeroDuration();
  const uint64_t rank =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return absl::Microseconds(UpperEndOf(i));
  }
  return absl::Microseconds(UpperEndOf(kBuckets - 1));
}

}  // namespace storefront
