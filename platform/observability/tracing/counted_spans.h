// What becomes of spans between their end and the collector, in numbers: weft_spans_total and
// weft_spans_waiting. OpenTelemetry's batch processor drops spans when its queue is full and tells
// nobody how many; so the queue is bounded in front of it.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_COUNTED_SPANS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_COUNTED_SPANS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "opentelemetry/sdk/trace/exporter.h"
#include "opentelemetry/sdk/trace/processor.h"

namespace weft::observability {

struct SpanStats {
  uint64_t exported_total = 0;  // the collector took them
  uint64_t failed_total = 0;    // it refused them, did not answer in time, or was not there
  uint64_t dropped_total = 0;   // too many waited already
  size_t waiting = 0;
};

// Shared by a processor and the exporter behind it. Thread-safe.
class SpanCounts {
 public:
  // Whether there is room for one more below `max`; then it waits.
  bool Add(size_t max) {
    if (waiting_.load(std::memory_order_relaxed) >= max) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    waiting_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  void Exported(size_t spans, bool ok) {
    waiting_.fetch_sub(spans, std::memory_order_relaxed);
    (ok ? exported_ : failed_).fetch_add(spans, std::memory_order_relaxed);
  }
  SpanStats Get() const;

 private:
  std::atomic<uint64_t> exported_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<size_t> waiting_{0};  // shards may exceed the bound by one each
};

// Hands spans on while fewer than `max_waiting` wait for their export, and drops the others.
class BoundedProcessor final : public opentelemetry::sdk::trace::SpanProcessor {
 public:
  BoundedProcessor(std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor> processor,
                   std::shared_ptr<SpanCounts> counts, size_t max_waiting)
      : processor_(std::move(processor)), counts_(std::move(counts)), max_waiting_(max_waiting) {}

  std::unique_ptr<opentelemetry::sdk::trace::Recordable> MakeRecordable() noexcept override {
    return processor_->MakeRecordable();
  }
  void OnStart(opentelemetry::sdk::trace::Recordable& span,
               const opentelemetry::trace::SpanContext& parent) noexcept override {
    processor_->OnStart(span, parent);
  }
  void OnEnd(std::unique_ptr<opentelemetry::sdk::trace::Recordable>&& span) noexcept override {
    if (counts_->Add(max_waiting_)) processor_->OnEnd(std::move(span));
  }
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override {
    return processor_->ForceFlush(timeout);
  }
  bool Shutdown(std::chrono::microseconds timeout) noexcept override {
    return processor_->Shutdown(timeout);
  }

 private:
  const std::unique_ptr<opentelemetry::sdk::trace::SpanProcessor> processor_;
  const std::shared_ptr<SpanCounts> counts_;
  const size_t max_waiting_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_COUNTED_SPANS_H_
