#include "platform/observability/tracing/sampling.h"

#include <gtest/gtest.h>
#include <opentelemetry/common/key_value_iterable_view.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/span_context_kv_iterable_view.h>

#include <map>
#include <string>
#include <vector>

#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

sdk::Decision Sample(ParentOrRatioSampler& sampler, const trace::SpanContext& parent,
                     const TraceIds& ids) {
  const std::map<std::string, std::string> attributes;
  const std::vector<std::pair<trace::SpanContext, std::map<std::string, std::string>>> links;
  return sampler
      .ShouldSample(parent, ToSpanContext(ids, false).trace_id(), "name", trace::SpanKind::kServer,
                    opentelemetry::common::KeyValueIterableView<decltype(attributes)>(attributes),
                    trace::SpanContextKeyValueIterableView<decltype(links)>(links))
      .decision;
}

TEST(RatioThreshold, NoneAndAllAreExact) {
  std::array<uint8_t, 16> highest;
  highest.fill(0xff);
  const std::array<uint8_t, 16> lowest{};
  EXPECT_FALSE(RatioThreshold(0).Samples(lowest));
  EXPECT_TRUE(RatioThreshold(1).Samples(highest));
}

TEST(RatioThreshold, TheLastSevenBytesDecide) {
  std::array<uint8_t, 16> id{};
  id[9] = 0x7f;
  EXPECT_TRUE(RatioThreshold(0.5).Samples(id));
  id[9] = 0x80;
  EXPECT_FALSE(RatioThreshold(0.5).Samples(id));
  id[8] = 0;
  id[0] = 0xff;
  EXPECT_FALSE(RatioThreshold(0.5).Samples(id));
}

TEST(BeginTrace, TakesAboutItsShareWithDifferentIds) {
  const RatioThreshold threshold(0.25);
  int sampled = 0;
  TraceIds last;
  for (int i = 0; i < 4000; ++i) {
    const TraceIds ids = BeginTrace(threshold);
    ASSERT_TRUE(ids.valid());
    ASSERT_NE(ids.trace_id, last.trace_id);
    ASSERT_EQ(ids.sampled(), threshold.Samples(ids.trace_id));
    sampled += ids.sampled() ? 1 : 0;
    last = ids;
  }
  // 1000 are expected, with a standard deviation of 27.
  EXPECT_GT(sampled, 700);
  EXPECT_LT(sampled, 1300);
}

TEST(ParentOrRatioSampler, FollowsTheParentWhateverTheRatio) {
  ParentOrRatioSampler none{RatioThreshold(0)};
  ParentOrRatioSampler all{RatioThreshold(1)};
  TraceIds ids = BeginTrace(RatioThreshold(1));
  EXPECT_EQ(Sample(none, ToSpanContext(ids, true), ids), sdk::Decision::RECORD_AND_SAMPLE);
  ids.flags = 0;
  EXPECT_EQ(Sample(all, ToSpanContext(ids, true), ids), sdk::Decision::DROP);
}

TEST(ParentOrRatioSampler, ASpanThatIsToBeRecordedIsWhateverItsParentSays) {
  ParentOrRatioSampler none{RatioThreshold(0)};
  const TraceIds ids = BeginTrace(RatioThreshold(0));
  ScopedPendingSpan pending({.record = true});
  EXPECT_EQ(Sample(none, ToSpanContext(ids, true), ids), sdk::Decision::RECORD_AND_SAMPLE);
}

TEST(ParentOrRatioSampler, DecidesAsTheRatioForARoot) {
  ParentOrRatioSampler half{RatioThreshold(0.5)};
  for (int i = 0; i < 100; ++i) {
    const TraceIds ids = BeginTrace(RatioThreshold(0.5));
    EXPECT_EQ(Sample(half, trace::SpanContext::GetInvalid(), ids),
              ids.sampled() ? sdk::Decision::RECORD_AND_SAMPLE : sdk::Decision::DROP);
  }
}

TEST(IdGenerator, GivesTheFibersPendingRootAndRandomIdsElse) {
  const auto generator = MakeIdGenerator();
  const TraceIds ids = BeginTrace(RatioThreshold(1));
  const trace::TraceId expected = ToSpanContext(ids, false).trace_id();
  {
    ScopedPendingSpan pending({.trace_id = &ids.trace_id});
    EXPECT_EQ(generator->GenerateTraceId(), expected);
    EXPECT_NE(generator->GenerateSpanId(), ToSpanContext(ids, false).span_id());
  }
  {
    ScopedPendingSpan pending({.trace_id = &ids.trace_id, .span_id = &ids.span_id});
    EXPECT_EQ(generator->GenerateSpanId(), ToSpanContext(ids, false).span_id());
  }
  EXPECT_NE(generator->GenerateTraceId(), expected);
}

}  // namespace
}  // namespace weft::observability
