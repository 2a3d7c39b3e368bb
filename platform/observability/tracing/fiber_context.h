// The trace context of each fiber: where in a trace it stands. See docs/adr/0004.
//
// OpenTelemetry keeps its current context in the thread, which is wrong for fibers: after a park
// another fiber's span would be current. Here it is kept in the fiber (off fibers: in the thread),
// and a child spawned in a TaskGroup starts in its parent's. Once InstallFiberContext() has run,
// OpenTelemetry's own API (trace::Scope, Tracer::GetCurrentSpan, baggage) works on it:
//
//   trace::Scope scope(tracer->StartSpan("parse"));   // current on this fiber, across parks
//
// A call that is not recorded carries only ids: no span object, no OpenTelemetry context. They are
// made when somebody asks OpenTelemetry for the current context, and not before.
//
// No call here parks. A context is used by its own fiber only.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_FIBER_CONTEXT_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_FIBER_CONTEXT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "opentelemetry/context/context.h"
#include "opentelemetry/nostd/shared_ptr.h"
#include "opentelemetry/trace/span.h"
#include "opentelemetry/trace/span_context.h"
#include "platform/fiber/fiber_local.h"
#include "platform/observability/tracing/trace_ids.h"

namespace weft::observability {

// Makes the fiber's context OpenTelemetry's current one. Before any span is made; idempotent; for
// the rest of the process. Any thread.
void InstallFiberContext();

// The ids of the fiber's current span; not valid() outside any trace.
TraceIds CurrentTraceIds();

// Whether the fiber's trace began with the call that it serves, so that CurrentTraceIds() are its
// own and not its caller's; only said of calls that are not recorded.
bool TraceBeganHere();
void SetTraceBeganHere();

// W3C's header `tracestate`, handed on as it came; null when there was none. It is kept beside
// OpenTelemetry's contexts and not in them: OpenTelemetry parses it by std::regex, which recurses
// once a character, and would let any client overflow a fiber's stack.
using Tracestate = std::shared_ptr<const std::string>;
Tracestate CurrentTracestate();

// The same place in OpenTelemetry's types, and back.
opentelemetry::trace::SpanContext ToSpanContext(const TraceIds& ids, bool is_remote);
TraceIds ToTraceIds(const opentelemetry::trace::SpanContext& context);

// For those who look at a fiber from outside, with what RuntimeObserver hands them.
//
// Writes the trace id of the fiber's current span, 32 hexadecimal digits and a zero byte. False
// where there is none, or less room. Also in a signal handler that has interrupted the fiber
// anywhere; CurrentTraceIds() must then have been called in the process before.
bool DescribeTrace(const FiberLocals& locals, char* text, size_t size) noexcept;
// The outermost span that is current on the fiber and recorded: the call's, or that of whoever
// spawned the fiber. Null where there is none.
opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> RecordedSpan(
    const FiberLocals& locals);

// OpenTelemetry's current context of the fiber, also where InstallFiberContext() was not called.
opentelemetry::context::Context CurrentContext();
// Null where nobody has needed one yet: then it holds nothing but the span's ids. Valid until the
// fiber's current context changes.
const opentelemetry::context::Context* CurrentContextIfMade();

namespace internal {
class ContextStack;
}  // namespace internal

// Makes a place in a trace the fiber's current one, until the end of the block.
class ScopedTrace {
 public:
  // A span that nobody records here.
  explicit ScopedTrace(const TraceIds& ids, Tracestate tracestate = nullptr);
  // A span of an OpenTelemetry SDK, which `context` holds.
  ScopedTrace(const TraceIds& ids, Tracestate tracestate, opentelemetry::context::Context context);
  // Another context for the same span. Requires: nothing has been attached inside.
  void SetContext(opentelemetry::context::Context context);
  // Also takes back what the block attached and forgot to detach.
  ~ScopedTrace();
  ScopedTrace(const ScopedTrace&) = delete;
  ScopedTrace& operator=(const ScopedTrace&) = delete;

 private:
  internal::ContextStack& stack_;
  const size_t depth_;
};

// What the next span that this fiber starts is to be; for an IdGenerator and a Sampler, which ask
// CurrentPendingSpan().
struct PendingSpan {
  const std::array<uint8_t, 16>* trace_id = nullptr;  // of a span without a parent
  const std::array<uint8_t, 8>* span_id = nullptr;    // null: any
  bool record = false;                                // whatever its parent says
};

// Do not park while it lives.
class ScopedPendingSpan {
 public:
  explicit ScopedPendingSpan(const PendingSpan& span);
  ~ScopedPendingSpan();
  ScopedPendingSpan(const ScopedPendingSpan&) = delete;
  ScopedPendingSpan& operator=(const ScopedPendingSpan&) = delete;

 private:
  const PendingSpan span_;
  internal::ContextStack& stack_;
};
// Null where there is none.
const PendingSpan* CurrentPendingSpan();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_FIBER_CONTEXT_H_
