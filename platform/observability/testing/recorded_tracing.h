// RecordedTracing: tracing whose spans stay in memory, for tests of what spans contain.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TESTING_RECORDED_TRACING_H_
#define WEFT_PLATFORM_OBSERVABILITY_TESTING_RECORDED_TRACING_H_

#include <opentelemetry/exporters/memory/in_memory_span_data.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "platform/observability/tracing/tracing.h"
#include "platform/rpc/method.h"

namespace weft::observability {

// The traceparents of a client's span, and the trace they belong to.
inline constexpr char kRecordedTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
inline constexpr char kSampled[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
inline constexpr char kUnsampled[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

class RecordedTracing {
 public:
  explicit RecordedTracing(TracingOptions options = {.sample_ratio = 0});

  Tracing& tracing() { return *tracing_; }
  Tracing* operator->() { return tracing_.get(); }
  // Those that ended since the last time.
  std::vector<std::unique_ptr<opentelemetry::sdk::trace::SpanData>> TakeSpans() {
    return data_->GetSpans();
  }
  // Serves a call of `method` whose client sent `traceparent`; null: none. Requires: on a fiber.
  void Serve(const rpc::MethodDescriptor& method, const char* traceparent,
             const std::function<void()>& handler);

 private:
  std::shared_ptr<opentelemetry::exporter::memory::InMemorySpanData> data_;
  std::unique_ptr<Tracing> tracing_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TESTING_RECORDED_TRACING_H_
