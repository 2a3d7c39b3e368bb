#include "platform/observability/tracing/bounded_exporter.h"

#include "platform/observability/logging/log.h"

namespace weft::observability {

opentelemetry::sdk::common::ExportResult BoundedExporter::Export(
    const opentelemetry::nostd::span<std::unique_ptr<opentelemetry::sdk::trace::Recordable>>&
        spans) noexcept {
  if (clock_.MonotonicNanos() >= give_up_->load()) {
    Log(Severity::kWarning, "spans dropped: the collector was too slow for the shutdown",
        {{"spans", spans.size()}}, "tracing");
    return opentelemetry::sdk::common::ExportResult::kFailure;
  }
  return exporter_->Export(spans);
}

}  // namespace weft::observability
