// ClientRateLimit: no client may make more than so many calls a second, so that one that has gone
// wild does not take what is there for all.
//
//   weft::rpc::ClientRateLimit limit({.calls_per_second = 100, .burst = 200});
//   …ServerOptions{.interceptors = {&limit}}…
//
// A client is who the connection says it is: the first name of its verified certificate (mutual
// TLS), or else the IP address of the peer, which is a proxy's where one is between. Behind a
// proxy, or where callers are told apart by a header, say so by `client`.
//
// Calls count when they start, streams once. Health checks and reflection (grpc.…) are free. What
// is too much gets RESOURCE_EXHAUSTED at once, and grpc-retry-pushback-ms in the trailing metadata
// (gRPC proposal A6): when the client's next call would be taken.
//
// All shards share a client's tokens: a lock is held for the time of a look into a table.
#ifndef WEFT_PLATFORM_RPC_ADMISSION_CLIENT_RATE_LIMIT_H_
#define WEFT_PLATFORM_RPC_ADMISSION_CLIENT_RATE_LIMIT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::rpc {

struct ClientRateLimitOptions {
  double calls_per_second = 100;  // of each client; positive and finite
  double burst = 200;             // at once, after a pause; at least 1
  // Clients whose calls are counted at a time, about; those beyond are not limited.
  size_t max_clients = 100'000;
  // Who makes a call; on its fiber, must not park. Empty: as above.
  std::function<std::string(const CallContext&)> client = {};
};

class ClientRateLimit final : public ServerInterceptor {
 public:
  explicit ClientRateLimit(ClientRateLimitOptions options);
  ~ClientRateLimit() override;

  InterceptorStage stage() const override { return InterceptorStage::kAdmission; }
  // Never parks by itself.
  absl::Status Intercept(CallContext& call, Next next) override;

  struct Stats {
    uint64_t refused_total = 0;
    size_t clients = 0;  // whose calls are counted
  };
  // Any thread.
  Stats GetStats() const;

 private:
  struct Part;
  static constexpr size_t kParts = 16;  // so that shards seldom meet at a lock

  Part& PartOf(absl::string_view client) const;

  const ClientRateLimitOptions options_;
  const std::unique_ptr<Part[]> parts_;
};

// "10.1.2.3" of "ipv4:10.1.2.3:41234", "[::1]" of "ipv6:%5B::1%5D:41234"; others as they are.
std::string PeerHost(absl::string_view peer);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ADMISSION_CLIENT_RATE_LIMIT_H_
