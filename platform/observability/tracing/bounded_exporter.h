// BoundedExporter: an exporter whose end can be hurried.
//
// OpenTelemetry's batch processor exports all it has when it is shut down, whatever timeout it is
// given. With a collector that accepts connections and says nothing that is a timeout a batch. From
// the given instant on this wrapper refuses further batches instead, so that a shutdown takes one
// export's timeout more at most.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_BOUNDED_EXPORTER_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_BOUNDED_EXPORTER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "opentelemetry/sdk/trace/exporter.h"
#include "platform/base/clock.h"
#include "platform/observability/tracing/counted_spans.h"

namespace weft::observability {

// When to give up, in monotonic nanoseconds: kNeverNanos until a shutdown begins. Shared by the
// exporter, which the processor owns, and by whoever shuts down.
using GiveUpTime = std::shared_ptr<std::atomic<int64_t>>;

class BoundedExporter final : public opentelemetry::sdk::trace::SpanExporter {
 public:
  // Counts what it exports.
  BoundedExporter(std::unique_ptr<opentelemetry::sdk::trace::SpanExporter> exporter,
                  GiveUpTime give_up, std::shared_ptr<SpanCounts> counts,
                  const Clock& clock = Clock::Real())
      : exporter_(std::move(exporter)),
        give_up_(std::move(give_up)),
        counts_(std::move(counts)),
        clock_(clock) {}

  std::unique_ptr<opentelemetry::sdk::trace::Recordable> MakeRecordable() noexcept override {
    return exporter_->MakeRecordable();
  }
  // kFailure, without a request, when it is time to give up.
  opentelemetry::sdk::common::ExportResult Export(
      const opentelemetry::nostd::span<std::unique_ptr<opentelemetry::sdk::trace::Recordable>>&
          spans) noexcept override;
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override {
    return exporter_->ForceFlush(timeout);
  }
  bool Shutdown(std::chrono::microseconds timeout) noexcept override {
    return exporter_->Shutdown(timeout);
  }

 private:
  const std::unique_ptr<opentelemetry::sdk::trace::SpanExporter> exporter_;
  const GiveUpTime give_up_;
  const std::shared_ptr<SpanCounts> counts_;
  const Clock& clock_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_BOUNDED_EXPORTER_H_
