// Which traces are recorded: those that their parent records; of those that begin here, a share.
//
// RPC interceptors decide before anything is made for a span, by RatioThreshold::Samples(); spans
// that a service starts itself through OpenTelemetry go through ParentOrRatioSampler, which decides
// alike.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_SAMPLING_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_SAMPLING_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "opentelemetry/sdk/trace/id_generator.h"
#include "opentelemetry/sdk/trace/sampler.h"
#include "platform/observability/tracing/trace_ids.h"

namespace weft::observability {

// A share of all trace ids, taken by their last seven bytes: those are the random ones by W3C's
// Trace Context level 2 ("Random Trace ID Flag"). Every service with the same ratio decides alike.
class RatioThreshold {
 public:
  // `ratio` from 0 (none) to 1 (all).
  explicit RatioThreshold(double ratio);
  bool Samples(const std::array<uint8_t, 16>& trace_id) const;

 private:
  uint64_t threshold_;  // of 2^56
};

// New ids for a trace that begins here, sampled by `threshold`. Never parks; on a shard it locks
// nothing. The ids are random and no secret: they go to everybody who is called.
TraceIds BeginTrace(const RatioThreshold& threshold);

class ParentOrRatioSampler final : public opentelemetry::sdk::trace::Sampler {
 public:
  explicit ParentOrRatioSampler(RatioThreshold threshold) : threshold_(threshold) {}
  opentelemetry::sdk::trace::SamplingResult ShouldSample(
      const opentelemetry::trace::SpanContext& parent, opentelemetry::trace::TraceId trace_id,
      opentelemetry::nostd::string_view name, opentelemetry::trace::SpanKind kind,
      const opentelemetry::common::KeyValueIterable& attributes,
      const opentelemetry::trace::SpanContextKeyValueIterable& links) noexcept override;
  opentelemetry::nostd::string_view GetDescription() const noexcept override;

 private:
  const RatioThreshold threshold_;
};

// Random ids; but the trace id of a ScopedPendingSpan (fiber_context.h), where the fiber has one:
// that is how a span gets the trace id that was sampled before the span was made.
std::unique_ptr<opentelemetry::sdk::trace::IdGenerator> MakeIdGenerator();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_SAMPLING_H_
