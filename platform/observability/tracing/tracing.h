// Tracing: OpenTelemetry for a service on fibers. Contexts are handed on in every configuration;
// spans are recorded and exported (OTLP over HTTP or gRPC) only when an endpoint is configured.
//
//   absl::StatusOr<std::unique_ptr<Tracing>> tracing = Tracing::Start(
//       {.otlp_endpoint = "http://otel-collector:4318", .sample_ratio = 0.01,
//        .service_name = "catalog", .service_version = "1.4.0"});
//
// A service's own spans, in its handlers:
//
//   auto span = Tracing::Tracer()->StartSpan("parse");   // child of the fiber's current span
//   opentelemetry::trace::Scope scope(span);             // current until the block's end
//
// The exporter's queue is bounded: when the collector is slow or away spans are dropped, and calls
// never wait. Resource attributes beyond the service's name and version come from the environment
// (OTEL_RESOURCE_ATTRIBUTES), headers for the collector too (OTEL_EXPORTER_OTLP_HEADERS).
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_TRACING_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_TRACING_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opentelemetry/sdk/trace/processor.h"
#include "opentelemetry/sdk/trace/tracer_provider.h"
#include "platform/observability/tracing/bounded_exporter.h"
#include "platform/observability/tracing/client_spans.h"
#include "platform/observability/tracing/counted_spans.h"
#include "platform/observability/tracing/otlp_endpoint.h"
#include "platform/observability/tracing/server_spans.h"

namespace weft::observability {

struct TracingOptions {
  // Such as "http://otel-collector:4318"; empty: nothing is recorded or exported. For gRPC such as
  // "http://otel-collector:4317", and "https://…" for TLS (otlp_grpc_exporter.h).
  std::string otlp_endpoint = {};
  OtlpProtocol otlp_protocol = OtlpProtocol::kHttp;
  // The share of the traces begun here that is recorded, from 0 to 1. Others follow their parent.
  double sample_ratio = 0.01;
  std::string service_name = "unknown_service";
  std::string service_version = {};
};

// Spans that wait for export. 512 go in one request; a request is sent when half of the queue is
// full, or every five seconds.
inline constexpr size_t kMaxQueuedSpans = 4096;

// A request that the collector does not answer is given up after this time.
inline constexpr absl::Duration kExportTimeout = absl::Seconds(3);

// One at a time in a process: it sets OpenTelemetry's global tracer provider. Outlives the servers
// and channels that have its interceptors.
class Tracing {
 public:
  // Blocks the thread briefly; starts a thread when there is an endpoint, two for gRPC.
  // INVALID_ARGUMENT for a malformed endpoint or a ratio outside [0, 1]; for gRPC the errors of
  // OtlpGrpcExporter::Create.
  static absl::StatusOr<std::unique_ptr<Tracing>> Start(TracingOptions options);
  // The same with another way for the spans than OTLP; `otlp_endpoint` is not used. The processor's
  // own shutdown is what Shutdown() waits for.
  static absl::StatusOr<std::unique_ptr<Tracing>> StartWithProcessor(
      TracingOptions options, std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor> processor);
  // Shuts down, within a second, if Shutdown was not called.
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

  rpc::ServerInterceptor& server_interceptor() { return server_interceptor_; }
  rpc::ClientInterceptor& client_interceptor() { return client_interceptor_; }

  // Null where nothing is recorded.
  TracerPtr tracer() const;
  // Whether sampled calls are recorded.
  bool recording() const { return provider_ != nullptr; }

  // What became of spans so far; all zero without an endpoint. Any thread.
  SpanStats spans() const { return counts_ == nullptr ? SpanStats() : counts_->Get(); }

  // Exports what waits and ends; what has not begun to leave after `timeout` is dropped. Blocks the
  // thread for at most about `timeout` and kExportTimeout, also when the collector does not answer.
  // Idempotent. Spans that end afterwards are lost.
  void Shutdown(absl::Duration timeout);

  // For spans of one's own; never null. Any thread.
  static TracerPtr Tracer();

 private:
  static std::unique_ptr<Tracing> Make(
      const TracingOptions& options,
      std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor> processor, GiveUpTime give_up,
      std::shared_ptr<SpanCounts> counts);
  Tracing(std::shared_ptr<opentelemetry::sdk::trace::TracerProvider> provider, double ratio,
          GiveUpTime give_up, std::shared_ptr<SpanCounts> counts);

  std::shared_ptr<opentelemetry::sdk::trace::TracerProvider> provider_;  // shared with the API
  const GiveUpTime give_up_;
  const std::shared_ptr<SpanCounts> counts_;  // null where nothing is exported
  bool shut_down_ = false;
  TracingServerInterceptor server_interceptor_;
  TracingClientInterceptor client_interceptor_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_TRACING_H_
