#include "platform/observability/tracing/tracing.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opentelemetry/exporters/otlp/otlp_http_exporter_factory.h"
#include "opentelemetry/exporters/otlp/otlp_http_exporter_options.h"
#include "opentelemetry/sdk/resource/resource.h"
#include "opentelemetry/sdk/trace/batch_span_processor_factory.h"
#include "opentelemetry/sdk/trace/batch_span_processor_options.h"
#include "opentelemetry/sdk/trace/tracer_provider_factory.h"
#include "opentelemetry/trace/noop.h"
#include "opentelemetry/trace/provider.h"
#include "platform/observability/tracing/otel_log.h"
#include "platform/observability/tracing/otlp_endpoint.h"
#include "platform/observability/tracing/otlp_grpc_exporter.h"

namespace weft::observability {
namespace {

namespace nostd = opentelemetry::nostd;
namespace otlp = opentelemetry::exporter::otlp;
namespace resource = opentelemetry::sdk::resource;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

constexpr char kTracerName[] = "weft";

absl::Status CheckRatio(double ratio) {
  if (ratio >= 0 && ratio <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tracing sample ratio ", ratio, " is not between 0 (none) and 1 (all traces)"));
}

absl::StatusOr<std::unique_ptr<sdk::SpanExporter>> MakeOtlpExporter(const TracingOptions& options) {
  if (options.otlp_protocol == OtlpProtocol::kGrpc) {
    absl::StatusOr<OtlpGrpcTarget> target = ParseOtlpGrpcTarget(options.otlp_endpoint);
    if (!target.ok()) return std::move(target).status();
    return OtlpGrpcExporter::Create(*target, kExportTimeout);
  }
  absl::StatusOr<std::string> url = OtlpTracesUrl(options.otlp_endpoint);
  if (!url.ok()) return std::move(url).status();
  otlp::OtlpHttpExporterOptions http;
  http.url = *std::move(url);
  http.content_type = otlp::HttpRequestContentType::kBinary;
  http.timeout = absl::ToChronoMicroseconds(kExportTimeout);
  http.console_debug = false;
  return otlp::OtlpHttpExporterFactory::Create(http);
}

std::unique_ptr<sdk::SpanProcessor> MakeProcessor(std::unique_ptr<sdk::SpanExporter> exporter,
                                                  GiveUpTime give_up,
                                                  std::shared_ptr<SpanCounts> counts) {
  sdk::BatchSpanProcessorOptions batch_options;
  batch_options.max_queue_size = kMaxQueuedSpans;
  batch_options.max_export_batch_size = 512;
  batch_options.schedule_delay_millis = std::chrono::milliseconds(5000);
  auto bounded = std::make_unique<BoundedExporter>(std::move(exporter), std::move(give_up), counts);
  return std::make_unique<BoundedProcessor>(
      sdk::BatchSpanProcessorFactory::Create(std::move(bounded), batch_options), counts,
      kMaxQueuedSpans);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tracing>> Tracing::Start(TracingOptions options) {
  if (absl::Status s = CheckRatio(options.sample_ratio); !s.ok()) return s;
  auto give_up = std::make_shared<std::atomic<int64_t>>(kNeverNanos);
  if (options.otlp_endpoint.empty()) {
    InstallFiberContext();
    return std::unique_ptr<Tracing>(new Tracing(nullptr, options.sample_ratio, give_up, nullptr));
  }
  RouteOtelLog();  // before the exporter has anything to say
  absl::StatusOr<std::unique_ptr<sdk::SpanExporter>> exporter = MakeOtlpExporter(options);
  if (!exporter.ok()) return std::move(exporter).status();
  auto counts = std::make_shared<SpanCounts>();
  return Make(options, MakeProcessor(*std::move(exporter), give_up, counts), give_up, counts);
}

absl::StatusOr<std::unique_ptr<Tracing>> Tracing::StartWithProcessor(
    TracingOptions options, std::unique_ptr<sdk::SpanProcessor> processor) {
  if (absl::Status s = CheckRatio(options.sample_ratio); !s.ok()) return s;
  return Make(options, std::move(processor), std::make_shared<std::atomic<int64_t>>(kNeverNanos),
              nullptr);
}

std::unique_ptr<Tracing> Tracing::Make(const TracingOptions& options,
                                       std::unique_ptr<sdk::SpanProcessor> processor,
                                       GiveUpTime give_up, std::shared_ptr<SpanCounts> counts) {
  InstallFiberContext();
  RouteOtelLog();
  resource::ResourceAttributes attributes;
  attributes.SetAttribute("service.name", options.service_name);
  if (!options.service_version.empty()) {
    attributes.SetAttribute("service.version", options.service_version);
  }
  std::shared_ptr<sdk::TracerProvider> provider = sdk::TracerProviderFactory::Create(
      std::move(processor), resource::Resource::Create(attributes),
      std::make_unique<ParentOrRatioSampler>(RatioThreshold(options.sample_ratio)),
      MakeIdGenerator());
  trace::Provider::SetTracerProvider(nostd::shared_ptr<trace::TracerProvider>(
      std::static_pointer_cast<trace::TracerProvider>(provider)));
  return std::unique_ptr<Tracing>(new Tracing(std::move(provider), options.sample_ratio,
                                              std::move(give_up), std::move(counts)));
}

Tracing::Tracing(std::shared_ptr<sdk::TracerProvider> provider, double ratio, GiveUpTime give_up,
                 std::shared_ptr<SpanCounts> counts)
    : provider_(std::move(provider)),
      give_up_(std::move(give_up)),
      counts_(std::move(counts)),
      server_interceptor_(tracer(), RatioThreshold(ratio)),
      client_interceptor_(tracer(), RatioThreshold(ratio)) {}

TracerPtr Tracing::tracer() const {
  return provider_ == nullptr ? TracerPtr() : provider_->GetTracer(kTracerName);
}

Tracing::~Tracing() { Shutdown(absl::Seconds(1)); }

void Tracing::Shutdown(absl::Duration timeout) {
  if (provider_ == nullptr || std::exchange(shut_down_, true)) return;
  trace::Provider::SetTracerProvider(
      nostd::shared_ptr<trace::TracerProvider>(new trace::NoopTracerProvider));
  give_up_->store(Clock::Real().MonotonicNanos() + absl::ToInt64Nanoseconds(timeout));
  provider_->Shutdown(absl::ToChronoMicroseconds(timeout));  // exports what waits, then ends
}

TracerPtr Tracing::Tracer() { return trace::Provider::GetTracerProvider()->GetTracer(kTracerName); }

}  // namespace weft::observability
