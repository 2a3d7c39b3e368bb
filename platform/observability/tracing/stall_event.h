// The event "weft.stall" of a span: while it was open, its fiber kept a shard to itself for longer
// than RuntimeOptions::stall_threshold. It is added at the end of that run, with the attributes
// "weft.stall.seconds", the length of the whole run, and "weft.shard".
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_STALL_EVENT_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_STALL_EVENT_H_

#include <cstdint>

#include "opentelemetry/trace/span.h"
#include "platform/fiber/fiber_local.h"

namespace weft::observability {

// On the shard of the span's fiber. Never parks.
void AddStallEvent(opentelemetry::trace::Span& span, int64_t nanos);
// To the call's span, if the fiber of these locals has one that is recorded. For
// RuntimeObserver::OnLongRun.
void AddStallEvent(const FiberLocals& locals, int64_t nanos);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_STALL_EVENT_H_
