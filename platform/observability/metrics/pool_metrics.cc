#include "platform/observability/metrics/pool_metrics.h"

#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kThreads = CataloguedMetric("weft_blocking_threads");
constexpr const Metric& kThreadsMax = CataloguedMetric("weft_blocking_threads_max");
constexpr const Metric& kBusy = CataloguedMetric("weft_blocking_busy_threads");
constexpr const Metric& kQueued = CataloguedMetric("weft_blocking_queue_length");
constexpr const Metric& kRejected = CataloguedMetric("weft_blocking_rejected_total");
constexpr const Metric& kGivenUp = CataloguedMetric("weft_blocking_given_up_total");
constexpr const Metric& kWait = CataloguedMetric("weft_blocking_queue_wait_seconds");

constexpr bool SameBounds() {
  for (size_t i = 0; i < kQueueWaitBuckets.size(); ++i) {
    const auto nanos = static_cast<int64_t>(kQueueWaitBuckets[i] * 1e9 + 0.5);
    if (nanos != LatencyHistogram::kBoundsNanos[i]) return false;
  }
  return kQueueWaitBuckets.size() == LatencyHistogram::kBoundsNanos.size();
}
static_assert(SameBounds(), "kQueueWaitBuckets must follow LatencyHistogram::kBoundsNanos");

}  // namespace

std::vector<prometheus::MetricFamily> BlockingPoolMetrics::Collect() const {
  const BlockingPoolStats stats = pool_.Stats();
  prometheus::MetricFamily threads = MakeFamily(kThreads);
  AddSample(threads, kThreads, {stats.name}, stats.threads);
  prometheus::MetricFamily threads_max = MakeFamily(kThreadsMax);
  AddSample(threads_max, kThreadsMax, {stats.name}, stats.threads_max);
  prometheus::MetricFamily busy = MakeFamily(kBusy);
  AddSample(busy, kBusy, {stats.name}, stats.busy);
  prometheus::MetricFamily queued = MakeFamily(kQueued);
  AddSample(queued, kQueued, {stats.name}, static_cast<double>(stats.queued));
  prometheus::MetricFamily rejected = MakeFamily(kRejected);
  AddSample(rejected, kRejected, {stats.name}, static_cast<double>(stats.rejected_total));
  prometheus::MetricFamily given_up = MakeFamily(kGivenUp);
  AddSample(given_up, kGivenUp, {stats.name}, static_cast<double>(stats.given_up_total));
  const LatencyHistogram::Reading reading = pool_.queue_wait().Read();
  prometheus::MetricFamily wait = MakeFamily(kWait);
  AddHistogram(wait, kWait, {stats.name}, reading.counts, reading.sum_seconds);
  return {std::move(threads),  std::move(threads_max), std::move(busy), std::move(queued),
          std::move(rejected), std::move(given_up),    std::move(wait)};
}

}  // namespace weft::observability
