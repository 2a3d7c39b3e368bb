#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>

#include "platform/fiber/runtime.h"
#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/metrics/per_shard.h"
#include "platform/observability/metrics/shard_histogram.h"

namespace weft::observability {
namespace {

constexpr BucketFinder kLatency(kLatencyBuckets, 1e9);
constexpr BucketFinder kSize(kSizeBuckets, 1);

// The obvious way.
template <size_t N>
size_t Model(const std::array<double, N>& bounds, double scale, uint64_t value) {
  return static_cast<size_t>(std::find_if(bounds.begin(), bounds.end(),
                                          [&](double bound) {
                                            return static_cast<uint64_t>(bound * scale + 0.5) >=
                                                   value;
                                          }) -
                             bounds.begin());
}

TEST(BucketFinder, AgreesWithTheObviousSearchAtAndRoundEachBound) {
  for (const double bound : kLatencyBuckets) {
    const auto nanos = static_cast<uint64_t>(bound * 1e9 + 0.5);
    for (const uint64_t value : {nanos == 0 ? 0 : nanos - 1, nanos, nanos + 1}) {
      EXPECT_EQ(kLatency.Find(value), Model(kLatencyBuckets, 1e9, value)) << value;
    }
  }
  for (const double bound : kSizeBuckets) {
    const auto bytes = static_cast<uint64_t>(bound);
    for (const uint64_t value : {bytes == 0 ? 0 : bytes - 1, bytes, bytes + 1}) {
      EXPECT_EQ(kSize.Find(value), Model(kSizeBuckets, 1, value)) << value;
    }
  }
}

TEST(BucketFinder, AgreesWithTheObviousSearchOnRandomValues) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t value = random() >> (random() % 64);
    ASSERT_EQ(kLatency.Find(value), Model(kLatencyBuckets, 1e9, value)) << value;
    ASSERT_EQ(kSize.Find(value), Model(kSizeBuckets, 1, value)) << value;
  }
  EXPECT_EQ(kLatency.Find(UINT64_MAX), kLatencyBuckets.size());
}

TEST(ShardHistogram, SumsAndCountsWhatWasRecorded) {
  ShardHistogram<kSizeBuckets.size(), kSize> histogram;
  histogram.Record(0);
  histogram.Record(1024);
  histogram.Record(5000);
  std::array<uint64_t, decltype(histogram)::kBuckets> counts{};
  uint64_t sum = 0;
  histogram.AddTo(counts, sum);
  EXPECT_EQ(counts[0], 1u);
  EXPECT_EQ(counts[1], 1u);
  EXPECT_EQ(counts[4], 1u);
  EXPECT_EQ(sum, 6024u);
}

struct Counts {
  ShardCounter counter;
};

uint64_t Total(const PerShard<Counts>& counts) {
  uint64_t total = 0;
  counts.ForEach([&](const Counts& each) { total += each.counter.value(); });
  return total;
}

TEST(PerShard, EachShardWritesToItsOwnWithoutAMutex) {
  PerShard<Counts> counts;
  Runtime runtime({.shards = 2});
  const Counts* of_shard[2];
  for (int shard = 0; shard < 2; ++shard) {
    runtime.Run(
        [&] {
          const auto [value, mutex, of_runtime] = counts.Get();
          EXPECT_EQ(mutex, nullptr);
          EXPECT_EQ(of_runtime, &runtime);
          value.counter.Add(1);
          of_shard[shard] = &value;
        },
        shard);
  }
  EXPECT_NE(of_shard[0], of_shard[1]);
  EXPECT_EQ(Total(counts), 2u);
}

TEST(PerShard, ASecondRuntimeAndAPlainThreadShareOneUnderAMutex) {
  PerShard<Counts> counts;
  Runtime first({.shards = 1});
  Runtime second({.shards = 1});
  const Counts* of_second = nullptr;
  first.Run([&] { EXPECT_EQ(counts.Get().mutex, nullptr); });
  second.Run([&] {
    const auto [value, mutex, of_runtime] = counts.Get();
    ASSERT_NE(mutex, nullptr);
    EXPECT_EQ(of_runtime, &second);
    OptionalLock lock(mutex);
    value.counter.Add(1);
    of_second = &value;
  });
  const auto [value, mutex, of_runtime] = counts.Get();
  EXPECT_NE(mutex, nullptr);
  EXPECT_EQ(of_runtime, nullptr);
  EXPECT_EQ(&value, of_second);
  EXPECT_EQ(Total(counts), 1u);
}

}  // namespace
}  // namespace weft::observability
