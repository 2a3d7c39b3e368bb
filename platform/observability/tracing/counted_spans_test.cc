#include "platform/observability/tracing/counted_spans.h"

#include <gtest/gtest.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>

#include <vector>

#include "opentelemetry/sdk/trace/simple_processor.h"
#include "platform/observability/tracing/bounded_exporter.h"

namespace weft::observability {
namespace {

namespace memory = opentelemetry::exporter::memory;
namespace sdk = opentelemetry::sdk::trace;

// Keeps spans until it is told to hand them on.
class Holding final : public sdk::SpanProcessor {
 public:
  explicit Holding(sdk::SpanExporter& exporter) : exporter_(exporter) {}
  std::unique_ptr<sdk::Recordable> MakeRecordable() noexcept override {
    return exporter_.MakeRecordable();
  }
  void OnStart(sdk::Recordable&, const opentelemetry::trace::SpanContext&) noexcept override {}
  void OnEnd(std::unique_ptr<sdk::Recordable>&& span) noexcept override {
    held_.push_back(std::move(span));
  }
  bool ForceFlush(std::chrono::microseconds) noexcept override {
    exporter_.Export({held_.data(), held_.size()});
    held_.clear();
    return true;
  }
  bool Shutdown(std::chrono::microseconds) noexcept override { return true; }

 private:
  sdk::SpanExporter& exporter_;
  std::vector<std::unique_ptr<sdk::Recordable>> held_;
};

TEST(CountedSpans, BeyondTheBoundAreDroppedUntilThereIsRoom) {
  auto counts = std::make_shared<SpanCounts>();
  auto give_up = std::make_shared<std::atomic<int64_t>>(kNeverNanos);
  auto memory_exporter = std::make_unique<memory::InMemorySpanExporter>();
  auto data = memory_exporter->GetData();
  BoundedExporter exporter(std::move(memory_exporter), give_up, counts);
  BoundedProcessor processor(std::make_unique<Holding>(exporter), counts, 3);
  const auto end_spans = [&](int spans) {
    for (int i = 0; i < spans; ++i) processor.OnEnd(processor.MakeRecordable());
  };
  end_spans(5);
  EXPECT_EQ(counts->Get().waiting, 3u);
  EXPECT_EQ(counts->Get().dropped_total, 2u);
  processor.ForceFlush(std::chrono::microseconds(0));
  EXPECT_EQ(data->GetSpans().size(), 3u);
  EXPECT_EQ(counts->Get().waiting, 0u);
  EXPECT_EQ(counts->Get().exported_total, 3u);

  give_up->store(0);
  end_spans(1);
  processor.ForceFlush(std::chrono::microseconds(0));
  EXPECT_EQ(counts->Get().failed_total, 1u);
  EXPECT_EQ(counts->Get().exported_total, 3u);
  EXPECT_EQ(counts->Get().waiting, 0u);
}

}  // namespace
}  // namespace weft::observability
