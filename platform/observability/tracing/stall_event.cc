#include "platform/observability/tracing/stall_event.h"

#include "platform/fiber/runtime.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {

void AddStallEvent(opentelemetry::trace::Span& span, int64_t nanos) {
  span.AddEvent("weft.stall", {{"weft.stall.seconds", 1e-9 * static_cast<double>(nanos)},
                               {"weft.shard", Runtime::CurrentShard()}});
}

void AddStallEvent(const FiberLocals& locals, int64_t nanos) {
  if (const auto span = RecordedSpan(locals)) AddStallEvent(*span, nanos);
}

}  // namespace weft::observability
