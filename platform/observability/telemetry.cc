#include "platform/observability/telemetry.h"

#include <utility>

#include "platform/fiber/blocking_calls.h"
#include "platform/observability/logging/grpc_log.h"
#include "platform/observability/metrics/admission_metrics.h"
#include "platform/observability/metrics/auth_metrics.h"
#include "platform/observability/metrics/cgroup_metrics.h"
#include "platform/observability/metrics/pool_metrics.h"
#include "platform/observability/metrics/process_metrics.h"
#include "platform/observability/metrics/server_metrics.h"
#include "platform/observability/telemetry_metrics.h"

namespace weft::observability {

absl::StatusOr<std::unique_ptr<Telemetry>> Telemetry::Start(TelemetryOptions options) {
  RouteGrpcLog();
  std::unique_ptr<Tracing> tracing;
  if (options.tracing) {
    absl::StatusOr<std::unique_ptr<Tracing>> started =
        Tracing::Start({.otlp_endpoint = options.otlp_endpoint,
                        .otlp_protocol = options.otlp_protocol,
                        .sample_ratio = options.sample_ratio,
                        .service_name = options.service_name,
                        .service_version = options.service_version});
    if (!started.ok()) return std::move(started).status();
    tracing = *std::move(started);
  }
  return std::unique_ptr<Telemetry>(new Telemetry(std::move(options), std::move(tracing)));
}

Telemetry::Telemetry(TelemetryOptions options, std::unique_ptr<Tracing> tracing)
    : options_(std::move(options)),
      access_log_(options_.access_sample_ratio),
      tracing_(std::move(tracing)) {
  Keep(std::make_unique<ProcessMetrics>());
  Keep(std::make_unique<CgroupMetrics>());
  Keep(std::make_unique<BuildInfo>(options_.service_name, options_.service_version));
  Keep(std::make_unique<TelemetryMetrics>(tracing_.get()));
  registrations_.push_back(registry_.Add(drain_));
  if (tracing_ != nullptr && tracing_->recording()) {
    late_spans_ = std::make_unique<LateSpans>(tracing_->tracer(), options_.slow_call);
    calls_.OnKept([this](const CallRecord& record) { late_spans_->Add(record); });
  }
  if (options_.metrics) {
    registrations_.push_back(registry_.Add(server_calls_));
    registrations_.push_back(registry_.Add(client_calls_));
    registrations_.push_back(registry_.Add(channels_));
    registrations_.push_back(registry_.Add(of_runtime_.loop_lag()));
    registrations_.push_back(registry_.Add(of_runtime_.stalls()));
    registrations_.push_back(registry_.Add(of_runtime_.deadlocks()));
    registrations_.push_back(registry_.Add(of_runtime_.blocking_calls()));
  }
}

void Telemetry::Keep(std::unique_ptr<prometheus::Collectable> collector) {
  own_.push_back(Attachment(std::move(collector), registry_));
}

std::vector<rpc::ServerInterceptor*> Telemetry::server_interceptors() {
  std::vector<rpc::ServerInterceptor*> interceptors;
  if (options_.metrics) interceptors.push_back(&server_calls_);
  if (tracing_ != nullptr) interceptors.push_back(&tracing_->server_interceptor());
  if (options_.record_calls) interceptors.push_back(&calls_.server_interceptor());
  if (options_.log_failed_calls) interceptors.push_back(&failed_calls_);
  if (options_.access_sample_ratio > 0) interceptors.push_back(&access_log_);
  return interceptors;
}

std::vector<rpc::ClientInterceptor*> Telemetry::client_interceptors() {
  std::vector<rpc::ClientInterceptor*> interceptors;
  if (options_.metrics) interceptors.push_back(&client_calls_);
  if (tracing_ != nullptr) interceptors.push_back(&tracing_->client_interceptor());
  if (options_.record_calls) interceptors.push_back(&calls_.client_interceptor());
  return interceptors;
}

RuntimeObserver* Telemetry::runtime_observer() {
  return options_.metrics || options_.tracing ? &of_runtime_ : nullptr;
}

void Telemetry::RegisterService(const rpc::Service& service) {
  server_calls_.RegisterService(service);
}

Telemetry::Attachment Telemetry::AttachRuntime(const Runtime& runtime) {
  if (options_.record_calls) calls_.AddShards(runtime);
  of_runtime_.stalls().AddShards(runtime.shards());
  of_runtime_.deadlocks().AddShards(runtime.shards());
  if (BlockingCallsAreWatched()) of_runtime_.blocking_calls().AddShards(runtime.shards());
  return Attachment(std::make_unique<RuntimeMetrics>(runtime), registry_);
}

Telemetry::Attachment Telemetry::AttachServer(const rpc::Server& server) {
  return Attachment(std::make_unique<ServerMetrics>(server), registry_);
}

Telemetry::Attachment Telemetry::AttachAdmission(const rpc::Admission& admission) {
  return Attachment(std::make_unique<AdmissionMetrics>(admission), registry_);
}

Telemetry::Attachment Telemetry::AttachClientRateLimit(const rpc::ClientRateLimit& limit) {
  return Attachment(std::make_unique<ClientRateLimitMetrics>(limit), registry_);
}

Telemetry::Attachment Telemetry::AttachAuthenticator(const rpc::JwtAuthenticator* authenticator) {
  return Attachment(std::make_unique<AuthMetrics>(authenticator), registry_);
}

Telemetry::Attachment Telemetry::AttachBlockingPool(const BlockingPool& pool) {
  return Attachment(std::make_unique<BlockingPoolMetrics>(pool), registry_);
}

std::string Telemetry::RenderMetrics() const { return observability::RenderMetrics(registry_); }

void Telemetry::Shutdown(absl::Duration timeout) {
  if (tracing_ != nullptr) tracing_->Shutdown(timeout);
}

}  // namespace weft::observability
