// Quantiles of durations in constant memory: counts in buckets that are 1/16 of a power of two
// wide, so that a quantile is right within 6.25 %, from 1 µs to 19 hours.
#ifndef SERVICES_STOREFRONT_LOAD_QUANTILES_H_
#define SERVICES_STOREFRONT_LOAD_QUANTILES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace storefront {

// A plain value; not thread-safe.
class Quantiles {
 public:
  // Durations below 1 µs count as 0, those above the range as its end.
  void Record(absl::Duration duration);
  void Add(const Quantiles& other);

  uint64_t count() const { return count_; }
  // The upper end of the bucket that holds the duration below which `share` (0 to 1) of all lie;
  // zero when nothing was recorded.
  absl::Duration At(double share) const;

 private:
  static constexpr int kSubBits = 4;
  static constexpr int kPowers = 32;
  static constexpr size_t kBuckets = (kPowers + 1) << kSubBits;

  static size_t BucketOf(uint64_t micros);
  static uint64_t UpperEndOf(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
};

}  // namespace storefront

#endif  // SERVICES_STOREFRONT_LOAD_QUANTILES_H_
