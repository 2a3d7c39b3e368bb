// A histogram of durations with fixed bounds that any number of threads may write and read without
// a lock. Made for one writer at a time (a shard): then a Record costs an uncontended increment.
#ifndef WEFT_PLATFORM_BASE_LATENCY_HISTOGRAM_H_
#define WEFT_PLATFORM_BASE_LATENCY_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft {

class LatencyHistogram {
 public:
  // Upper bounds in nanoseconds, inclusive as Prometheus' `le`: 10 µs … 10 s. Closer together where
  // a healthy loop's lag or queue's wait lies (below 1 ms) and where callers' patience ends (1 to
  // 10 s). Up to 2 s they are a subset of those of gRPC's proposal A66.
  static constexpr std::array<int64_t, 22> kBoundsNanos = {
      10'000,        50'000,        100'000,       300'000,       600'000,       800'000,
      1'000'000,     2'000'000,     5'000'000,     10'000'000,    20'000'000,    50'000'000,
      100'000'000,   200'000'000,   500'000'000,   1'000'000'000, 2'000'000'000, 3'000'000'000,
      4'000'000'000, 5'000'000'000, 8'000'000'000, 10'000'000'000};
  static constexpr size_t kBuckets = kBoundsNanos.size() + 1;  // the last one: larger than all

  struct Reading {
    std::array<uint64_t, kBuckets> counts{};  // not cumulative
    uint64_t count = 0;
    double sum_seconds = 0;
  };

  void Record(int64_t nanos) {
    size_t bucket = 0;
    while (bucket < kBoundsNanos.size() && nanos > kBoundsNanos[bucket]) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_nanos_.fetch_add(nanos, std::memory_order_relaxed);
  }

  // The buckets are read one after another: a reading may miss records made meanwhile, never
  // counts them twice.
  Reading Read() const {
    Reading reading;
    for (size_t i = 0; i < kBuckets; ++i) {
      reading.counts[i] = counts_[i].load(std::memory_order_relaxed);
      reading.count += reading.counts[i];
    }
    reading.sum_seconds = 1e-9 * static_cast<double>(sum_nanos_.load(std::memory_order_relaxed));
    return reading;
  }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<int64_t> sum_nanos_{0};
};

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_LATENCY_HISTOGRAM_H_
