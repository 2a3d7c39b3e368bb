#include "platform/observability/tracing/otlp_grpc_exporter.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "opentelemetry/exporters/otlp/otlp_environment.h"
#include "opentelemetry/sdk/common/global_log_handler.h"
#include "opentelemetry/sdk/trace/span_data.h"
#include "platform/observability/tracing/otlp_spans.h"
#include "platform/rpc/client/calls.h"

namespace weft::observability {
namespace {

namespace nostd = opentelemetry::nostd;
namespace otlp_sdk = opentelemetry::exporter::otlp;
namespace sdk = opentelemetry::sdk::trace;
using opentelemetry::sdk::common::ExportResult;

// OTLP wants what failed by UNAVAILABLE sent again (its specification, "OTLP/gRPC Response"): a
// span that arrives twice is the same span.
constexpr rpc::MethodDescriptor kExport = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    rpc::MethodKind::kUnary,
    {.idempotency = rpc::Idempotency::kIdempotent}};

rpc::TlsChannelOptions TlsOfEnvironment() {
  return {.ca_file = otlp_sdk::GetOtlpDefaultTracesSslCertificatePath(),
          .certificate_file = otlp_sdk::GetOtlpDefaultTracesSslClientCertificatePath(),
          .private_key_file = otlp_sdk::GetOtlpDefaultTracesSslClientKeyPath()};
}

void LogError(absl::string_view what) {
  OTEL_INTERNAL_LOG_ERROR(absl::StrCat("[OTLP gRPC exporter] ", what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<OtlpGrpcExporter>> OtlpGrpcExporter::Create(
    const OtlpGrpcTarget& target, absl::Duration timeout) {
  rpc::Metadata headers;
  for (const auto& [key, value] : otlp_sdk::GetOtlpDefaultTracesHeaders()) {
    headers.Add(absl::AsciiStrToLower(key), value);
  }
  if (absl::Status s = headers.Validate(); !s.ok()) {
    return absl::Status(s.code(),
                        absl::StrCat("OTEL_EXPORTER_OTLP_HEADERS: ", std::string(s.message())));
  }
  rpc::ChannelOptions options;
  if (target.tls) options.tls = TlsOfEnvironment();
  absl::StatusOr<std::shared_ptr<rpc::Channel>> channel =
      rpc::Channel::Create(target.target, std::move(options));
  if (!channel.ok()) return std::move(channel).status();
  return std::unique_ptr<OtlpGrpcExporter>(
      new OtlpGrpcExporter(*std::move(channel), std::move(headers), timeout));
}

OtlpGrpcExporter::OtlpGrpcExporter(std::shared_ptr<rpc::Channel> channel, rpc::Metadata headers,
                                   absl::Duration timeout)
    : runtime_({.shards = 1,
                .poller_factory = queues_.Pollers(),
                .name = "weft-otlp",
                .stall_threshold = absl::ZeroDuration()}),
      channel_(std::move(channel)),
      headers_(std::move(headers)),
      timeout_(timeout) {}

std::unique_ptr<sdk::Recordable> OtlpGrpcExporter::MakeRecordable() noexcept {
  return std::make_unique<sdk::SpanData>();
}

ExportResult OtlpGrpcExporter::Export(
    const nostd::span<std::unique_ptr<sdk::Recordable>>& spans) noexcept {
  const otlp::v1::ExportTraceServiceRequest request = ToOtlp({spans.data(), spans.size()});
  const absl::StatusOr<otlp::v1::ExportTraceServiceResponse> response = runtime_.Run([&] {
    return rpc::CallUnary<otlp::v1::ExportTraceServiceResponse>(
        *channel_, kExport, request, {.timeout = timeout_, .metadata = headers_});
  });
  if (!response.ok()) {
    LogError(absl::StrCat(spans.size(), " spans not taken by ", channel_->target(), ": ",
                          response.status().ToString()));
    return ExportResult::kFailure;
  }
  const auto& partly = response->partial_success();
  if (partly.rejected_spans() > 0) {
    LogError(absl::StrCat(partly.rejected_spans(), " of ", spans.size(), " spans refused by ",
                          channel_->target(), ": ", partly.error_message()));
  }
  return ExportResult::kSuccess;
}

}  // namespace weft::observability
