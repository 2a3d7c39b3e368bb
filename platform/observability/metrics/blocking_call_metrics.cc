#include "platform/observability/metrics/blocking_call_metrics.h"

#include <cstddef>
#include <string>
#include <utility>

#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kCalls = CataloguedMetric("weft_blocking_calls_found_total");

constexpr BlockingCallKind kKinds[] = {BlockingCallKind::kBlocks, BlockingCallKind::kWaitsForLock,
                                       BlockingCallKind::kParksWithLock};

}  // namespace

void BlockingCallMetrics::Record(const BlockingCall& call) {
  absl::MutexLock lock(&mutex_);
  ++by_shard_and_kind_[call.shard][static_cast<size_t>(call.kind)];
}

void BlockingCallMetrics::AddShards(int shards) {
  absl::MutexLock lock(&mutex_);
  for (int shard = 0; shard < shards; ++shard) by_shard_and_kind_.try_emplace(shard);
}

std::vector<prometheus::MetricFamily> BlockingCallMetrics::Collect() const {
  prometheus::MetricFamily calls = MakeFamily(kCalls);
  absl::MutexLock lock(&mutex_);
  for (const auto& [shard, by_kind] : by_shard_and_kind_) {
    for (const BlockingCallKind kind : kKinds) {
      AddSample(calls, kCalls, {std::to_string(shard), std::string(BlockingCallKindName(kind))},
                static_cast<double>(by_kind[static_cast<size_t>(kind)]));
    }
  }
  return {std::move(calls)};
}

}  // namespace weft::observability
