#include "platform/observability/tracing/bounded_exporter.h"

#include <gtest/gtest.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>

#include <utility>

#include "platform/fiber/testing/simulated_clock.h"

namespace weft::observability {
namespace {

namespace memory = opentelemetry::exporter::memory;
using ::opentelemetry::sdk::common::ExportResult;

TEST(BoundedExporter, ExportsUntilItIsTimeToGiveUp) {
  auto inner = std::make_unique<memory::InMemorySpanExporter>();
  auto data = inner->GetData();
  auto give_up = std::make_shared<std::atomic<int64_t>>(kNeverNanos);
  SimulatedClock clock;
  BoundedExporter exporter(std::move(inner), give_up, std::make_shared<SpanCounts>(), clock);
  const auto export_one = [&] {
    auto span = exporter.MakeRecordable();
    return exporter.Export({&span, 1});
  };
  EXPECT_EQ(export_one(), ExportResult::kSuccess);
  give_up->store(clock.MonotonicNanos() + 1000);
  EXPECT_EQ(export_one(), ExportResult::kSuccess);
  EXPECT_EQ(data->GetSpans().size(), 2u);
  clock.Advance(absl::Nanoseconds(1000));
  EXPECT_EQ(export_one(), ExportResult::kFailure);
  EXPECT_TRUE(data->GetSpans().empty());
}

}  // namespace
}  // namespace weft::observability
