// The event "weft.blocking_call" of a span: while it was open, its fiber blocked its thread, or
// parked with a lock of it (platform/fiber/blocking_calls.h). Attributes:
// "weft.blocking_call.function" and "weft.blocking_call.kind", "weft.shard", and of a wait for a
// lock "weft.blocking_call.seconds".
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_BLOCKING_CALL_EVENT_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_BLOCKING_CALL_EVENT_H_

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/fiber_local.h"

namespace weft::observability {

// To the call's span, if the fiber of these locals has one that is recorded. For
// RuntimeObserver::OnBlockingCall. Never parks.
void AddBlockingCallEvent(const FiberLocals& locals, const BlockingCall& call);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_BLOCKING_CALL_EVENT_H_
