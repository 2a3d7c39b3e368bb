#include "platform/observability/tracing/sampling.h"

#include <algorithm>
#include <cstring>

#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "opentelemetry/sdk/trace/random_id_generator.h"
#include "opentelemetry/trace/span_context.h"
#include "opentelemetry/trace/trace_state.h"
#include "platform/observability/metrics/per_shard.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

constexpr double kTwoTo56 = 72057594037927936.0;

std::array<uint8_t, 16> ToArray(const trace::TraceId& trace_id) {
  std::array<uint8_t, 16> bytes;
  std::memcpy(bytes.data(), trace_id.Id().data(), bytes.size());
  return bytes;
}

// xorshift generators of OpenTelemetry, one a thread, seeded by the system: no lock.
class FiberIdGenerator final : public sdk::IdGenerator {
 public:
  FiberIdGenerator() : IdGenerator(/*is_random=*/true) {}
  trace::SpanId GenerateSpanId() noexcept override {
    const PendingSpan* const pending = CurrentPendingSpan();
    if (pending == nullptr || pending->span_id == nullptr) return random_.GenerateSpanId();
    return trace::SpanId(nostd::span<const uint8_t, trace::SpanId::kSize>(
        pending->span_id->data(), pending->span_id->size()));
  }
  trace::TraceId GenerateTraceId() noexcept override {
    const PendingSpan* const pending = CurrentPendingSpan();
    if (pending == nullptr || pending->trace_id == nullptr) return random_.GenerateTraceId();
    return trace::TraceId(nostd::span<const uint8_t, trace::TraceId::kSize>(
        pending->trace_id->data(), pending->trace_id->size()));
  }

 private:
  sdk::RandomIdGenerator random_;
};

}  // namespace

RatioThreshold::RatioThreshold(double ratio)
    : threshold_(static_cast<uint64_t>(std::clamp(ratio, 0.0, 1.0) * kTwoTo56)) {}

bool RatioThreshold::Samples(const std::array<uint8_t, 16>& trace_id) const {
  uint64_t random = 0;
  for (size_t i = 9; i < trace_id.size(); ++i) random = random << 8 | trace_id[i];
  return random < threshold_;
}

// Not by OpenTelemetry's generator, which takes twice as long: this runs once a call.
TraceIds BeginTrace(const RatioThreshold& threshold) {
  using Generators = PerShard<absl::InsecureBitGen>;
  static auto* const generators = new Generators;  // never destroyed: threads outlive statics
  const Generators::Access random = generators->Get();
  OptionalLock lock(random.mutex);
  TraceIds ids;
  do {
    const std::array<uint64_t, 3> bits = {random.value(), random.value(), random.value()};
    std::memcpy(ids.trace_id.data(), bits.data(), ids.trace_id.size());
    std::memcpy(ids.span_id.data(), &bits[2], ids.span_id.size());
  } while (!ids.valid());
  ids.flags = threshold.Samples(ids.trace_id) ? 1 : 0;
  return ids;
}

sdk::SamplingResult ParentOrRatioSampler::ShouldSample(
    const trace::SpanContext& parent, trace::TraceId trace_id, nostd::string_view /*name*/,
    trace::SpanKind /*kind*/, const opentelemetry::common::KeyValueIterable& /*attributes*/,
    const trace::SpanContextKeyValueIterable& /*links*/) noexcept {
  const PendingSpan* const pending = CurrentPendingSpan();
  const bool sampled = pending != nullptr && pending->record ? true
                       : parent.IsValid()                    ? parent.IsSampled()
                                          : threshold_.Samples(ToArray(trace_id));
  return {sampled ? sdk::Decision::RECORD_AND_SAMPLE : sdk::Decision::DROP, nullptr,
          parent.IsValid() ? parent.trace_state() : trace::TraceState::GetDefault()};
}

nostd::string_view ParentOrRatioSampler::GetDescription() const noexcept {
  return "ParentOrRatioSampler";
}

std::unique_ptr<sdk::IdGenerator> MakeIdGenerator() { return std::make_unique<FiberIdGenerator>(); }

}  // namespace weft::observability
