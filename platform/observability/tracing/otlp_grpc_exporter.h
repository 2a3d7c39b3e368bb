// OtlpGrpcExporter: OTLP over gRPC, by a channel of this platform.
//
// OpenTelemetry's own exporter for it would bring a second gRPC into the process (docs/adr/0001).
// Here the calls are made on a shard of the exporter's own, a thread that otherwise waits, so that
// exports take nothing of the shards that serve. They leave no spans and no metrics of calls.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_GRPC_EXPORTER_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_GRPC_EXPORTER_H_

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opentelemetry/sdk/trace/exporter.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/tracing/otlp_endpoint.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/metadata.h"
#include "platform/rpc/shard_queues.h"

namespace weft::observability {

// Used by one thread at a time, as the batch processor does.
class OtlpGrpcExporter final : public opentelemetry::sdk::trace::SpanExporter {
 public:
  // Does not connect. Of the environment it takes OTEL_EXPORTER_OTLP_HEADERS as metadata and, with
  // TLS, OTEL_EXPORTER_OTLP_CERTIFICATE (authorities instead of the system's), …_CLIENT_KEY and
  // …_CLIENT_CERTIFICATE; and each with TRACES in its name. Errors: those of Channel::Create, and
  // INVALID_ARGUMENT for a header that gRPC cannot send. Blocks the thread.
  static absl::StatusOr<std::unique_ptr<OtlpGrpcExporter>> Create(const OtlpGrpcTarget& target,
                                                                  absl::Duration timeout);

  std::unique_ptr<opentelemetry::sdk::trace::Recordable> MakeRecordable() noexcept override;
  // Blocks the thread until the collector has answered, `timeout` at most. A collector that is away
  // is tried again within that time, as RetryPolicy has it. Failures go to OpenTelemetry's log.
  opentelemetry::sdk::common::ExportResult Export(
      const opentelemetry::nostd::span<std::unique_ptr<opentelemetry::sdk::trace::Recordable>>&
          spans) noexcept override;
  bool ForceFlush(std::chrono::microseconds /*timeout*/) noexcept override { return true; }
  bool Shutdown(std::chrono::microseconds /*timeout*/) noexcept override { return true; }

 private:
  OtlpGrpcExporter(std::shared_ptr<rpc::Channel> channel, rpc::Metadata headers,
                   absl::Duration timeout);

  rpc::ShardQueues queues_{1};
  Runtime runtime_;
  const std::shared_ptr<rpc::Channel> channel_;
  const rpc::Metadata headers_;
  const absl::Duration timeout_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_GRPC_EXPORTER_H_
