#include "platform/observability/tracing/bounded_exporter.h"

#include "platform/observability/logging/log.h"
#include "platform/observability/tracing/otel_log.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("tracing");

}  // namespace

opentelemetry::sdk::common::ExportResult BoundedExporter::Export(
    const opentelemetry::nostd::span<std::unique_ptr<opentelemetry::sdk::trace::Recordable>>&
        spans) noexcept {
  if (clock_.MonotonicNanos() >= give_up_->load()) {
    kLog.Warning("spans dropped: the collector was too slow for the shutdown",
                 {{"spans", spans.size()}});
    counts_->Exported(spans.size(), false);
    return opentelemetry::sdk::common::ExportResult::kFailure;
  }
  const uint64_t errors = OtelErrorsTotal();
  const auto result = exporter_->Export(spans);
  // OpenTelemetry 1.19's exporter of OTLP over HTTP says kSuccess whatever happened, and the truth
  // in its log.
  const bool ok =
      result == opentelemetry::sdk::common::ExportResult::kSuccess && OtelErrorsTotal() == errors;
  counts_->Exported(spans.size(), ok);
  return result;
}

}  // namespace weft::observability
