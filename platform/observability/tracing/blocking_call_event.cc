#include "platform/observability/tracing/blocking_call_event.h"

#include "opentelemetry/nostd/string_view.h"
#include "opentelemetry/trace/span.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {

void AddBlockingCallEvent(const FiberLocals& locals, const BlockingCall& call) {
  const auto span = RecordedSpan(locals);
  if (!span) return;
  const absl::string_view kind_name = BlockingCallKindName(call.kind);
  const opentelemetry::nostd::string_view kind(kind_name.data(), kind_name.size());
  if (call.kind == BlockingCallKind::kWaitsForLock) {
    span->AddEvent("weft.blocking_call",
                   {{"weft.blocking_call.function", call.function},
                    {"weft.blocking_call.kind", kind},
                    {"weft.blocking_call.seconds", 1e-9 * static_cast<double>(call.nanos)},
                    {"weft.shard", call.shard}});
  } else {
    span->AddEvent("weft.blocking_call", {{"weft.blocking_call.function", call.function},
                                          {"weft.blocking_call.kind", kind},
                                          {"weft.shard", call.shard}});
  }
}

}  // namespace weft::observability
