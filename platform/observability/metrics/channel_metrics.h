// Metrics of rpc::Channels that are not about single calls: what is left of their budgets for
// sending calls again (rpc/client/retry.h).
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_CHANNEL_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_CHANNEL_METRICS_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/rpc/client/channel.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// Thread-safe. Channels of the same target show as one: with the budget of the one that has least
// left, and what was not sent again summed. A channel that is gone takes its numbers with it.
class ChannelMetrics final : public prometheus::Collectable {
 public:
  // Does not keep it alive.
  void Watch(const std::shared_ptr<const rpc::Channel>& channel);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::weak_ptr<const rpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_CHANNEL_METRICS_H_
