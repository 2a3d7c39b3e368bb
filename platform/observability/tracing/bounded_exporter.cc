#include "platform/observability/tracing/bounded_exporter.h"

#include "platform/observability/logging/log.h"

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
    return opentelemetry::sdk::common::ExportResult::kFailure;
  }
  return exporter_->Export(spans);
}

}  // namespace weft::observability
