// Telemetry: all of this layer, wired, for whoever assembles a process.
//
//   auto telemetry = Telemetry::Start({.service_name = "catalog", .service_version = "1.4.0"});
//   if (!telemetry.ok()) return telemetry.status();
//   Runtime runtime({.observer = (*telemetry)->runtime_observer()});
//   auto of_runtime = (*telemetry)->AttachRuntime(runtime);     // until it is destroyed
//   …ServerOptions{.interceptors = (*telemetry)->server_interceptors()}…
//   …ChannelOptions{.interceptors = (*telemetry)->client_interceptors()}…
//   std::string page = (*telemetry)->RenderMetrics();           // for /metrics
//   (*telemetry)->Shutdown(absl::Seconds(5));                   // after the server's
//
// Logging is apart (logging/log.h): it works before and without this.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_H_
#define WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/calls/call_recorder.h"
#include "platform/observability/logging/access_log.h"
#include "platform/observability/logging/failed_calls.h"
#include "platform/observability/metrics/channel_metrics.h"
#include "platform/observability/metrics/client_calls.h"
#include "platform/observability/metrics/drain_metrics.h"
#include "platform/observability/metrics/registry.h"
#include "platform/observability/metrics/server_calls.h"
#include "platform/observability/runtime_telemetry.h"
#include "platform/observability/tracing/late_spans.h"
#include "platform/observability/tracing/tracing.h"
#include "platform/rpc/admission/admission.h"
#include "platform/rpc/admission/client_rate_limit.h"
#include "platform/rpc/auth/jwt_authenticator.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/client/interceptor.h"
#include "platform/rpc/server/interceptor.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/server/service.h"

namespace weft::observability {

struct TelemetryOptions {
  std::string service_name = "unknown_service";
  std::string service_version = "0";
  // Metrics of calls and of the loops' lag; what is only read at scrape time stays in any case.
  bool metrics = true;
  bool log_failed_calls = true;    // logging/failed_calls.h
  double access_sample_ratio = 0;  // of the calls, logging/access_log.h
  bool record_calls = true;        // calls/call_recorder.h
  // Trace contexts, and spans if there is an endpoint.
  bool tracing = true;
  // See TracingOptions.
  std::string otlp_endpoint = {};
  OtlpProtocol otlp_protocol = OtlpProtocol::kHttp;
  double sample_ratio = 0.01;
  // Calls that take so long, and those that fail by the server's fault, are recorded whatever the
  // ratio (tracing/late_spans.h). Needs `record_calls`.
  absl::Duration slow_call = absl::Seconds(1);
};

// Outlives the runtime, servers and channels it is given to. Thread-safe but for Shutdown.
class Telemetry {
 public:
  // Something that is measured as long as this lives: destroy it before that thing. May outlive
  // the Telemetry.
  class [[nodiscard]] Attachment {
   public:
    Attachment() = default;
    Attachment(Attachment&& other) noexcept = default;
    Attachment& operator=(Attachment&& other) noexcept {
      registration_ = std::move(other.registration_);  // first: nobody reads the old collector now
      collector_ = std::move(other.collector_);
      return *this;
    }

   private:
    friend class Telemetry;
    Attachment(std::unique_ptr<prometheus::Collectable> collector, MetricsRegistry& registry)
        : collector_(std::move(collector)), registration_(registry.Add(*collector_)) {}
    std::unique_ptr<prometheus::Collectable> collector_;
    MetricsRegistry::Registration registration_;  // ends before its collector
  };

  // Also sends gRPC's and OpenTelemetry's own logs through Log(). Errors: as Tracing::Start.
  static absl::StatusOr<std::unique_ptr<Telemetry>> Start(TelemetryOptions options);
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  // In the order in which they belong into ServerOptions and ChannelOptions, outermost first.
  std::vector<rpc::ServerInterceptor*> server_interceptors();
  std::vector<rpc::ClientInterceptor*> client_interceptors();
  // For RuntimeOptions::observer; null without metrics and tracing.
  RuntimeObserver* runtime_observer();

  // The service's methods show in the metrics, as zero, before their first call.
  void RegisterService(const rpc::Service& service);

  // One runtime and one server in a process; pools with names of their own, among them the
  // runtime's blocking_pool() and compute_pool().
  Attachment AttachRuntime(const Runtime& runtime);
  Attachment AttachServer(const rpc::Server& server);
  Attachment AttachAdmission(const rpc::Admission& admission);
  Attachment AttachClientRateLimit(const rpc::ClientRateLimit& limit);
  // Null: nobody needs a token.
  Attachment AttachAuthenticator(const rpc::JwtAuthenticator* authenticator);
  Attachment AttachBlockingPool(const BlockingPool& pool);
  // Shows it in the metrics as long as it lives. Any thread.
  void WatchChannel(const std::shared_ptr<const rpc::Channel>& channel) {
    channels_.Watch(channel);
  }

  DrainMetrics& drain() { return drain_; }

  // The calls of the runtime that was attached; null where they are not recorded.
  const CallRecorder* calls() const { return options_.record_calls ? &calls_ : nullptr; }

  // With their stacks, the newest first; empty without runtime_observer(). Any thread.
  std::vector<RecentStall> RecentStallList() const { return of_runtime_.recent_stalls().List(); }

  // For collectors of one's own, such as a prometheus::Registry.
  MetricsRegistry& registry() { return registry_; }
  const MetricsRegistry& registry() const { return registry_; }

  // The text of /metrics (content type: kMetricsContentType). Blocks the thread for a millisecond
  // or so, since it reads files under /proc: not on a fiber.
  std::string RenderMetrics() const;

  // Exports the spans that wait and ends tracing; metrics go on. Blocks the thread for at most
  // about `timeout` and tracing's kExportTimeout. Idempotent.
  void Shutdown(absl::Duration timeout);

 private:
  Telemetry(TelemetryOptions options, std::unique_ptr<Tracing> tracing);
  void Keep(std::unique_ptr<prometheus::Collectable> collector);

  const TelemetryOptions options_;
  MetricsRegistry registry_;
  MetricsServerInterceptor server_calls_;
  FailedCallLog failed_calls_;
  AccessLog access_log_;
  CallRecorder calls_;
  MetricsClientInterceptor client_calls_;
  ChannelMetrics channels_;
  DrainMetrics drain_;
  RuntimeTelemetry of_runtime_;
  const std::unique_ptr<Tracing> tracing_;  // null without tracing
  std::unique_ptr<LateSpans> late_spans_;   // null where nothing is recorded
  std::vector<Attachment> own_;
  std::vector<MetricsRegistry::Registration> registrations_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TELEMETRY_H_
