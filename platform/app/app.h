// App: a service's process. Configuration, logs, telemetry, shards, gRPC server with health and
// reflection, admin server, signals and drain, wired in the one right order. A service's main.cc:
//
//   int main(int argc, char** argv) {
//     return weft::app::Main(
//         argc, argv, {.name = "pricing", .version = "1.4.0", .config = pricing::ConfigKeys()},
//         [](weft::app::App& app) -> absl::Status {
//           app.Serve(std::make_unique<pricing::PricingService>(
//               pricing::Options(app.config())));
//           return absl::OkStatus();
//         });
//   }
//
// Start: signals are blocked (before any thread exists) → configuration → logging → telemetry →
// completion queues, runtime → admin server (/livez says yes, /readyz "starting") → the service's
// set-up function → gRPC server → ready; prints "LISTENING grpc=<port> admin=<port>" to stdout.
// Whatever fails is one line on stderr. A signal until then ends the process at once.
//
// Shutdown, on SIGTERM or SIGINT (a second one ends the process at once). A guard ends the process
// with status 1 should the whole take longer than the sum of its bounds:
//   1. /readyz and health say no: load balancers and clients turn away.
//   2. Calls are still accepted for drain.grace: until everybody has seen 1.
//   3. No new calls. Those in flight finish within drain.timeout, are then cancelled (and named in
//      the log), and have kAfterCancel to return. Handlers that do not: an error that names their
//      methods, exit status 1, nothing is destroyed.
//   4. Spans are exported, within kFlushTimeout.
//   5. The admin server ends; up to here /debug/fibers and /metrics tell how the drain goes.
//   6. What the service made is destroyed, latest first; then the runtime, the queues, telemetry.
//   7. The logs are written; exit status 0.
//
// Exit status: 0 after a drain, 1 for a failure, 2 for a wrong configuration, 128 + n for a signal
// n during the start, or a second one.
#ifndef WEFT_PLATFORM_APP_APP_H_
#define WEFT_PLATFORM_APP_APP_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/app/admin_server.h"
#include "platform/app/config.h"
#include "platform/app/config_key.h"
#include "platform/app/console/console_pages.h"
#include "platform/app/drain_report.h"
#include "platform/app/exit_guard.h"
#include "platform/app/fibers_page.h"
#include "platform/app/log_page.h"
#include "platform/app/profile_pages.h"
#include "platform/app/readiness.h"
#include "platform/app/signals.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/telemetry.h"
#include "platform/rpc/admission/admission.h"
#include "platform/rpc/admission/client_rate_limit.h"
#include "platform/rpc/auth/jwt_authenticator.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/health/health_service.h"
#include "platform/rpc/reflection/reflection_service.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/server/service.h"
#include "platform/rpc/shard_queues.h"

namespace weft::app {

// For handlers to return after they were cancelled.
inline constexpr absl::Duration kAfterCancel = absl::Seconds(3);
// For the last spans to be exported.
inline constexpr absl::Duration kFlushTimeout = absl::Seconds(3);
// For all else of the shutdown. With these and the default drain, a process ends within 33 seconds
// of its SIGTERM: below the 35 that deploy/ gives a pod.
inline constexpr absl::Duration kShutdownMargin = absl::Seconds(2);

struct AppOptions {
  std::string name;  // "pricing": in help texts, metrics, spans
  std::string version = "0";
  std::vector<ConfigKey> config = {};  // the service's own keys, beside PlatformConfigKeys()
};

class App;

// Called once, on the main thread, when everything but the gRPC server runs. May block the thread,
// and may use fibers through app.runtime().Run(). An error ends the start: INVALID_ARGUMENT as a
// wrong configuration (exit status 2), others with 1.
using SetUp = absl::FunctionRef<absl::Status(App&)>;

// Runs a service from the start to the end of its process; returns main's exit status. Call it
// first thing in main(): it also has malloc keep some memory (base/malloc_settings.h). Blocks the
// thread.
int Main(int argc, char** argv, const AppOptions& options, SetUp set_up);

// What the set-up function builds on. Functions are for the main thread during set-up, except where
// they say more.
class App {
 public:
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  // Ends everything in the order of the shutdown's steps 5 and 6. Requires: the gRPC server has
  // been shut down, or was never started.
  ~App();

  const Config& config() const { return config_; }
  Runtime& runtime() { return *runtime_; }
  observability::Telemetry& telemetry() { return *telemetry_; }

  // Takes a service to be served. The reference lives until step 6.
  template <typename S>
  S& Serve(std::unique_ptr<S> service) {
    S& reference = Keep(std::move(service));
    AddService(reference);
    return reference;
  }

  // Takes anything that services need; destroyed in step 6, in the reverse order of Keep and Serve.
  template <typename T>
  T& Keep(std::unique_ptr<T> object) {
    T& reference = *object;
    kept_.push_back(std::make_unique<Holder<T>>(std::move(object)));
    return reference;
  }

  // A channel to `target` ("dns:///catalog:50051"), with this process' telemetry and the keys
  // "channel.…". Those made during set-up are connected before the server starts, if they can be
  // within channel.warm_up; others with their first call. INVALID_ARGUMENT for an empty target. Any
  // thread.
  absl::StatusOr<std::shared_ptr<rpc::Channel>> Channel(const std::string& target);

  // Shows the pool in the metrics. The pool lives until step 6: Keep() what owns it.
  void Watch(const BlockingPool& pool);

  // Begins the shutdown as a SIGTERM would. Any thread, also once the app serves.
  void RequestShutdown() { signals_.Request(); }

 private:
  friend int Main(int argc, char** argv, const AppOptions& options, SetUp set_up);
  struct Kept {
    virtual ~Kept() = default;
  };
  template <typename T>
  struct Holder final : Kept {
    explicit Holder(std::unique_ptr<T> held) : object(std::move(held)) {}
    const std::unique_ptr<T> object;
  };

  App(const AppOptions& options, Config config, ShutdownSignals& signals);
  absl::Status Start(SetUp set_up);
  absl::Status StartRuntime();
  absl::Status StartAdminServer();
  // Connects the channels that the set-up made, so that the first calls need not.
  void WarmUp();
  void StartAdmission();
  absl::Status StartServer();
  void AddService(rpc::Service& service);
  void Announce();
  // Steps 1 to 4. The error of step 3.
  absl::Status Drain(ExitGuard& guard);
  absl::Duration ShutdownLimit() const;

  const AppOptions options_;
  const Config config_;
  ShutdownSignals& signals_;

  // In the order of construction; destroyed in reverse, which is what ~App spells out.
  Readiness readiness_;
  DrainReport drain_report_;
  std::unique_ptr<observability::Telemetry> telemetry_;
  std::unique_ptr<rpc::ShardQueues> queues_;
  std::unique_ptr<Runtime> runtime_;
  std::vector<std::unique_ptr<Kept>> kept_;
  absl::Mutex cold_channels_mutex_;
  // Made so far; nullopt from the warm-up on.
  std::optional<std::vector<std::shared_ptr<rpc::Channel>>> cold_channels_
      ABSL_GUARDED_BY(cold_channels_mutex_){std::in_place};
  rpc::HealthService health_;
  std::unique_ptr<rpc::Reflection> reflection_;
  std::vector<rpc::Service*> services_;
  std::unique_ptr<rpc::JwtAuthenticator> authenticator_;     // null: nobody needs a token
  std::unique_ptr<rpc::Admission> admission_;                // null: switched off
  std::unique_ptr<rpc::ClientRateLimit> client_rate_limit_;  // null: switched off
  std::unique_ptr<rpc::Server> server_;
  std::vector<observability::Telemetry::Attachment> attachments_;
  std::unique_ptr<FibersPages> fibers_pages_;
  std::unique_ptr<ConsolePages> console_;
  const LogPages log_pages_;
  ProfilePages profile_pages_;
  std::unique_ptr<AdminServer> admin_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_APP_H_
