// TracingServerInterceptor: each call stands in its caller's trace.
//
// Takes W3C's `traceparent`, `tracestate` and `baggage` (baggage.h) from the call's metadata, or
// begins a trace where there is none (or a bad one), and makes it current for the handler and all
// it spawns and calls. When the trace is sampled and a tracer is set, the call gets a SERVER span,
// with the names of OpenTelemetry's semantic conventions for gRPC
// (https://opentelemetry.io/docs/specs/semconv/rpc/grpc/). All others cost no span object and no
// attribute; a parent's ids are then handed on as they came.
//
// The span of a call that was cancelled, or overdue, before its handler returned says why:
// weft.cancel.cause ("client_gone", "deadline", "drain", …: CancelCauseLabel) and
// weft.cancel.chain, the line of CancelScope::status() with the scopes it went through; where the
// handler returned the status of what the cancellation ended, down to that.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_SERVER_SPANS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_SERVER_SPANS_H_

#include "opentelemetry/nostd/shared_ptr.h"
#include "opentelemetry/trace/tracer.h"
#include "platform/observability/tracing/fiber_context.h"
#include "platform/observability/tracing/remote_parent.h"
#include "platform/observability/tracing/sampling.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::observability {

using TracerPtr = opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>;

class TracingServerInterceptor final : public rpc::ServerInterceptor {
 public:
  // `tracer` null: nothing is recorded here, contexts are handed on.
  TracingServerInterceptor(TracerPtr tracer, RatioThreshold threshold)
      : tracer_(std::move(tracer)), threshold_(threshold) {}

  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
  // Parks only if `next` does.
  absl::Status Intercept(CallContext& call, Next next) override;

 private:
  absl::Status Record(CallContext& call, Next next, const TraceIds& ids,
                      const RemoteParent& parent);

  const TracerPtr tracer_;
  const RatioThreshold threshold_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_SERVER_SPANS_H_
