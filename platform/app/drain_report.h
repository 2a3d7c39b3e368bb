// DrainReport: which calls had to be cancelled for the process to end. Whoever sees calls fail at a
// rollout wants their names, and that drain.timeout is what cut them off.
#ifndef WEFT_PLATFORM_APP_DRAIN_REPORT_H_
#define WEFT_PLATFORM_APP_DRAIN_REPORT_H_

#include <atomic>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::app {

// Costs a call one relaxed load until the drain begins.
class DrainReport final : public rpc::ServerInterceptor {
 public:
  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTransport; }
  absl::Status Intercept(rpc::CallContext& call, Next next) override;

  // From now on cancelled calls are counted. Any thread.
  void Begin() { draining_.store(true, std::memory_order_relaxed); }

  // "2 of catalog.v1.Catalog/GetProduct, 1 of …"; empty when every call ended by itself. Any
  // thread.
  std::string CancelledMethods() const;

 private:
  std::atomic<bool> draining_ = false;
  mutable absl::Mutex mutex_;
  std::map<std::string, int> cancelled_ ABSL_GUARDED_BY(mutex_);  // bounded by the methods served
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_DRAIN_REPORT_H_
