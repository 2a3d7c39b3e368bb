#include "platform/observability/testing/recorded_tracing.h"

#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>

#include <string>
#include <utility>
#include <vector>

#include "platform/observability/testing/fake_call.h"

namespace weft::observability {

RecordedTracing::RecordedTracing(TracingOptions options) {
  auto exporter = std::make_unique<opentelemetry::exporter::memory::InMemorySpanExporter>();
  data_ = exporter->GetData();
  tracing_ = *Tracing::StartWithProcessor(
      std::move(options),
      opentelemetry::sdk::trace::SimpleSpanProcessorFactory::Create(std::move(exporter)));
}

void RecordedTracing::Serve(const rpc::MethodDescriptor& method, const char* traceparent,
                            const std::function<void()>& handler) {
  std::vector<std::pair<std::string, std::string>> metadata;
  if (traceparent != nullptr) metadata.emplace_back("traceparent", traceparent);
  FakeCall call(method, metadata);
  tracing_->server_interceptor()
      .Intercept(call,
                 [&] {
                   handler();
                   return absl::OkStatus();
                 })
      .IgnoreError();
}

}  // namespace weft::observability
