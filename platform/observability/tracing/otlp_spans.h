// Spans of OpenTelemetry's SDK as OTLP has them (otlp.proto).
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_SPANS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_SPANS_H_

#include <memory>

#include "opentelemetry/nostd/span.h"
#include "opentelemetry/sdk/trace/recordable.h"
#include "platform/observability/tracing/otlp.pb.h"

namespace weft::observability {

// Of `spans`, each a sdk::trace::SpanData; together with what they share: resource and scope.
otlp::v1::ExportTraceServiceRequest ToOtlp(
    opentelemetry::nostd::span<const std::unique_ptr<opentelemetry::sdk::trace::Recordable>> spans);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_SPANS_H_
