// FakeServer: a server that serves nothing and has the readings it is given.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TESTING_FAKE_SERVER_H_
#define WEFT_PLATFORM_OBSERVABILITY_TESTING_FAKE_SERVER_H_

#include <vector>

#include "platform/rpc/server/server.h"

namespace weft::observability {

class FakeServer final : public rpc::Server {
 public:
  explicit FakeServer(rpc::ServerStats stats = {}) : stats_(stats) {}
  const std::vector<int>& ports() const override { return ports_; }
  absl::Status Shutdown(const ShutdownOptions&) override { return absl::OkStatus(); }
  void BreakConnections() override {}
  rpc::ServerStats Stats() const override { return stats_; }

 private:
  const rpc::ServerStats stats_;
  const std::vector<int> ports_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TESTING_FAKE_SERVER_H_
