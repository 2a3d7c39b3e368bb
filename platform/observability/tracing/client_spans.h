// TracingClientInterceptor: hands the fiber's trace on to the server that is called, as W3C's
// `traceparent` and `tracestate`.
//
// When the trace is sampled and a tracer is set, the call gets a CLIENT span, and that is what the
// header names. Outside any trace one is begun. A caller that put a `traceparent` into the call's
// metadata itself is left alone. A call that is sent again has a span for each attempt; those after
// the first say how many were before them, as `previous-rpc-attempts` (gRPC's proposal A72).
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_CLIENT_SPANS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_CLIENT_SPANS_H_

#include <memory>

#include "opentelemetry/nostd/shared_ptr.h"
#include "opentelemetry/trace/tracer.h"
#include "platform/observability/tracing/sampling.h"
#include "platform/rpc/client/interceptor.h"

namespace weft::observability {

class TracingClientInterceptor final : public rpc::ClientInterceptor {
 public:
  // `tracer` null: nothing is recorded here, contexts are handed on.
  TracingClientInterceptor(opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer> tracer,
                           RatioThreshold threshold)
      : tracer_(std::move(tracer)), threshold_(threshold) {}

  rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
  // Never parks. Null when the call is not recorded.
  std::unique_ptr<rpc::ClientCallTracker> Start(rpc::OutgoingCall& call) override;

 private:
  const opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer> tracer_;
  const RatioThreshold threshold_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_CLIENT_SPANS_H_
