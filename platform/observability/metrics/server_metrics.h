// Metrics of an rpc::Server that are not about single calls: connections and calls in flight.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_SERVER_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_SERVER_METRICS_H_

#include <vector>

#include "platform/rpc/server/server.h"
#include "prometheus/collectable.h"

namespace weft::observability {

class ServerMetrics final : public prometheus::Collectable {
 public:
  // `server` outlives this.
  explicit ServerMetrics(const rpc::Server& server) : server_(server) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const rpc::Server& server_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_SERVER_METRICS_H_
