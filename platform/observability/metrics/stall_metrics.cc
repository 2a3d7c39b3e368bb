#include "platform/observability/metrics/stall_metrics.h"

#include <string>
#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kStalls = CataloguedMetric("weft_stalls_total");
constexpr const Metric& kSeconds = CataloguedMetric("weft_stall_seconds");

constexpr StallCause kCauses[] = {StallCause::kComputes, StallCause::kBlocks,
                                  StallCause::kGetsNoCpu};

const char* CauseLabel(StallCause cause) {
  switch (cause) {
    case StallCause::kComputes:
      return "computes";
    case StallCause::kBlocks:
      return "blocks";
    case StallCause::kGetsNoCpu:
      return "no_cpu";
  }
  return "";
}

}  // namespace

void StallMetrics::Record(const StallEnd& end) {
  absl::MutexLock lock(&mutex_);
  Shard& shard = shards_[end.shard];
  ++shard.by_cause[static_cast<size_t>(end.cause)];
  shard.seconds.Record(static_cast<uint64_t>(end.nanos));
}

void StallMetrics::AddShards(int shards) {
  absl::MutexLock lock(&mutex_);
  for (int shard = 0; shard < shards; ++shard) shards_.try_emplace(shard);
}

std::vector<prometheus::MetricFamily> StallMetrics::Collect() const {
  prometheus::MetricFamily stalls = MakeFamily(kStalls);
  prometheus::MetricFamily seconds = MakeFamily(kSeconds);
  absl::MutexLock lock(&mutex_);
  for (const auto& [number, shard] : shards_) {
    const std::string label = std::to_string(number);
    for (const StallCause cause : kCauses) {
      AddSample(stalls, kStalls, {label, CauseLabel(cause)},
                static_cast<double>(shard.by_cause[static_cast<size_t>(cause)]));
    }
    std::array<uint64_t, decltype(shard.seconds)::kBuckets> counts{};
    uint64_t sum_nanos = 0;
    shard.seconds.AddTo(counts, sum_nanos);
    AddHistogram(seconds, kSeconds, {label}, counts, 1e-9 * static_cast<double>(sum_nanos));
  }
  return {std::move(stalls), std::move(seconds)};
}

}  // namespace weft::observability
