// RemoteParent: the place in its caller's trace that a call's metadata names.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_REMOTE_PARENT_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_REMOTE_PARENT_H_

#include <cstddef>
#include <string>

#include "platform/observability/tracing/fiber_context.h"
#include "platform/observability/tracing/trace_ids.h"
#include "platform/rpc/metadata.h"

namespace weft::observability {

// Longer values of `tracestate` are dropped, as W3C allows above 512 characters.
inline constexpr size_t kMaxTracestateBytes = 2048;

struct RemoteParent {
  TraceIds ids;           // not valid() where there is none, or none that can be told
  Tracestate tracestate;  // null where there is none, and without a parent
  std::string baggage;    // the header (baggage.h), as it came
};

// Reads W3C's headers `traceparent`, `tracestate` and `baggage`. Any thread.
RemoteParent ExtractParent(const rpc::MetadataView& metadata);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_REMOTE_PARENT_H_
