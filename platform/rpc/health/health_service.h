// HealthService: the standard health protocol (grpc.health.v1.Health), served on fibers.
//
// Names are those of gRPC services, such as "catalog.v1.Catalog" (CatalogMethods::full_name()); the
// empty name stands for the process as a whole and is what Kubernetes' gRPC probes ask for. A
// service is unknown until SetServing() names it; only "" is known from the start, as NOT_SERVING,
// so that no process passes a probe before its wiring has said that it is ready.
//
//   HealthService health;                       // give it to Server::Start with the others
//   health.SetServing("", true);                // ready
//   …
//   health.Shutdown();                          // drain: probes and watchers see NOT_SERVING,
//   …                                           //   and clients go elsewhere meanwhile
//   health.EndWatches();                        // before Server::Shutdown, which would wait for
//   server->Shutdown({.grace = …});             //   open Watch calls until its grace is over
//
// Check: NOT_FOUND for an unknown service. Watch: SERVICE_UNKNOWN for one, and what it becomes
// later; a change is sent as soon as the client's flow control allows, and a client that is slower
// than the changes gets the newest instead of each.
//
// Why Shutdown() does not end the Watch calls: gRPC's own clients start a Watch that had an answer
// again at once, without backoff (health_check_client.cc), so a server that answers NOT_SERVING and
// ends would be called in a tight loop while it drains. After EndWatches() a Watch gets no answer
// but UNAVAILABLE, which does back off.
#ifndef WEFT_PLATFORM_RPC_HEALTH_HEALTH_SERVICE_H_
#define WEFT_PLATFORM_RPC_HEALTH_HEALTH_SERVICE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "grpc/health/v1/health.weft.h"
#include "platform/fiber/channel.h"

namespace weft::rpc {

// All functions may be called from any thread, on fibers or not. SetServing, Shutdown and
// EndWatches never park; they hold a lock for as long as it takes to wake the watchers concerned.
class HealthService final : public ::grpc::health::v1::HealthHandler {
 public:
  // Watch calls that may be open at once; a further one gets RESOURCE_EXHAUSTED. Twice the
  // connections that one process is built for, at one Watch a connection.
  static constexpr size_t kWatchersMax = 65'536;
  // A Watch for a longer name gets INVALID_ARGUMENT: the names of unknown services are kept while
  // they are watched, and come from clients.
  static constexpr size_t kWatchedNameBytesMax = 1024;

  HealthService();
  // Requires: no Watch call is open.
  ~HealthService() override;

  // Makes the service known, if need be. No effect after Shutdown().
  void SetServing(absl::string_view service, bool serving);

  // All known services are NOT_SERVING from now on, for ever. Idempotent.
  void Shutdown();

  // Ends all Watch calls, and further ones at once, with UNAVAILABLE. Idempotent.
  void EndWatches();

  // Open Watch calls.
  size_t watchers() const;

  absl::StatusOr<::grpc::health::v1::HealthCheckResponse> Check(
      weft::CallContext& call, const ::grpc::health::v1::HealthCheckRequest& request) override;

  // Parks between changes; ends with the call's scope (client gone, deadline, drain).
  absl::Status Watch(weft::CallContext& call, const ::grpc::health::v1::HealthCheckRequest& request,
                     ServerWriter<::grpc::health::v1::HealthCheckResponse>& replies) override;

 private:
  using ServingStatus = ::grpc::health::v1::HealthCheckResponse::ServingStatus;
  // Rung after a change. It holds one ring: a watcher that was rung twice before it looked sees
  // both changes, for it reads the state after taking the ring.
  using Doorbell = weft::Channel<bool>;
  class Watcher;

  struct Entry {
    absl::optional<ServingStatus> status;  // none: unknown, but watched
    std::set<Doorbell*> watchers;
  };

  mutable absl::Mutex mutex_;  // never held across a park
  std::map<std::string, Entry, std::less<>> services_ ABSL_GUARDED_BY(mutex_);
  size_t watchers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  bool watches_ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_HEALTH_HEALTH_SERVICE_H_
