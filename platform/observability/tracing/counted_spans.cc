#include "platform/observability/tracing/counted_spans.h"

namespace weft::observability {

SpanStats SpanCounts::Get() const {
  return {.exported_total = exported_.load(std::memory_order_relaxed),
          .failed_total = failed_.load(std::memory_order_relaxed),
          .dropped_total = dropped_.load(std::memory_order_relaxed),
          .waiting = waiting_.load(std::memory_order_relaxed)};
}

}  // namespace weft::observability
