// Counters and histograms with one writing thread and any number of readers: relaxed atomics, and a
// plain load and store where a counter of many writers needs a locked instruction.
//
// Readers see each value once it has been written, values of different counters in no particular
// order: a scrape may show a call's count before its duration.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_SHARD_HISTOGRAM_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_SHARD_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft::observability {

class ShardCounter {
 public:
  // Only by the writing thread.
  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Finds a value's bucket among fixed bounds in a few instructions: the value's bit width leads to
// the first bound that can hold it, and no power of two has more than a few bounds.
template <size_t N>
class BucketFinder {
 public:
  // `scale` turns the catalogue's unit into the recorded one: 1e9 for seconds to nanoseconds.
  constexpr BucketFinder(const std::array<double, N>& bounds, double scale) {
    for (size_t i = 0; i < N; ++i) bounds_[i] = static_cast<uint64_t>(bounds[i] * scale + 0.5);
    for (size_t width = 0; width < first_.size(); ++width) {
      const uint64_t smallest = width == 0 ? 0 : uint64_t{1} << (width - 1);
      size_t bucket = 0;
      while (bucket < N && bounds_[bucket] < smallest) ++bucket;
      first_[width] = static_cast<uint8_t>(bucket);
    }
  }

  // The index of the first bound that is not below `value`; N when there is none.
  size_t Find(uint64_t value) const {
    size_t bucket = first_[std::bit_width(value)];
    while (bucket < N && bounds_[bucket] < value) ++bucket;
    return bucket;
  }

 private:
  static_assert(N < 256);
  std::array<uint64_t, N> bounds_{};
  std::array<uint8_t, 65> first_{};
};

// A histogram over the bounds of `kFinder`, a constexpr BucketFinder<N>.
template <size_t N, const BucketFinder<N>& kFinder>
class ShardHistogram {
 public:
  static constexpr size_t kBuckets = N + 1;  // the last one: above all bounds

  // Only by the writing thread. `value` in the finder's scaled unit.
  void Record(uint64_t value) {
    counts_[kFinder.Find(value)].Add(1);
    sum_.Add(value);
  }

  // Adds what was recorded to `counts` and `sum`; any thread.
  void AddTo(std::array<uint64_t, kBuckets>& counts, uint64_t& sum) const {
    for (size_t i = 0; i < kBuckets; ++i) counts[i] += counts_[i].value();
    sum += sum_.value();
  }

 private:
  std::array<ShardCounter, kBuckets> counts_;
  ShardCounter sum_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_SHARD_HISTOGRAM_H_
