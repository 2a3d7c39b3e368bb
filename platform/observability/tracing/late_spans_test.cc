#include "platform/observability/tracing/late_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "platform/fiber/runtime.h"
#include "platform/fiber/testing/simulated_clock.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/testing/recorded_tracing.h"

namespace weft::observability {
namespace {

namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Spans = std::vector<std::unique_ptr<sdk::SpanData>>;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

CallRecord Slow() {
  return {.method = "shop.v1.Shop/Get",
          .peer = "ipv4:10.1.2.3:41234",
          .accepted = absl::FromUnixSeconds(1'000),
          .handler_nanos = 5'000'000,
          .duration_nanos = 2'000'000'000,
          .children = {{.method = "price.v1.Price/Get",
                        .target = "dns:///pricing:1",
                        .attempt = 2,
                        .start_nanos = 100'000'000,
                        .duration_nanos = 1'500'000'000,
                        .code = absl::StatusCode::kUnavailable},
                       {.method = "price.v1.Price/List", .start_nanos = 1'900'000'000}}};
}

CallRecord Failed(absl::StatusCode code) {
  return {.method = "shop.v1.Shop/Get",
          .accepted = absl::FromUnixSeconds(1'000),
          .duration_nanos = 1'000'000,
          .code = code,
          .message = "it did not work"};
}

class LateSpansTest : public ::testing::Test {
 protected:
  // Served calls that ended as these tell.
  Spans Add(const std::vector<CallRecord>& records, const char* traceparent = nullptr) {
    runtime_.Run([&] {
      for (const CallRecord& record : records) {
        recorded_.Serve(kGet, traceparent, [&] {
          served_ = CurrentTraceIds();
          late_.Add(record);
        });
      }
    });
    return recorded_.TakeSpans();
  }
  static std::string Hex(const trace::SpanId& id) {
    std::string text(16, '0');
    id.ToLowerBase16(opentelemetry::nostd::span<char, 16>(text.data(), 16));
    return text;
  }

  RecordedTracing recorded_;
  SimulatedClock clock_;
  LateSpans late_{Tracing::Tracer(), absl::Seconds(1), clock_};
  Runtime runtime_{{.shards = 1}};
  TraceIds served_;
};

TEST_F(LateSpansTest, ASlowCallGetsTheSpansAndTheTimesThatItHad) {
  const Spans spans = Add({Slow()});
  ASSERT_THAT(spans, SizeIs(3));
  const sdk::SpanData& first = *spans[0];
  const sdk::SpanData& second = *spans[1];
  const sdk::SpanData& served = *spans[2];
  EXPECT_EQ(served.GetName(), "shop.v1.Shop/Get");
  EXPECT_EQ(served.GetSpanKind(), trace::SpanKind::kServer);
  EXPECT_EQ(served.GetStartTime().time_since_epoch(), std::chrono::seconds(1'000));
  EXPECT_EQ(served.GetDuration(), std::chrono::seconds(2));
  EXPECT_THAT(served.GetEvents(), SizeIs(1));
  EXPECT_EQ(served.GetStatus(), trace::StatusCode::kUnset);

  EXPECT_EQ(first.GetName(), "price.v1.Price/Get");
  EXPECT_EQ(first.GetSpanKind(), trace::SpanKind::kClient);
  EXPECT_EQ(Hex(first.GetParentSpanId()), Hex(served.GetSpanId()));
  EXPECT_EQ(first.GetTraceId(), served.GetTraceId());
  EXPECT_EQ(first.GetStartTime().time_since_epoch(), std::chrono::milliseconds(1'000'100));
  EXPECT_EQ(first.GetDuration(), std::chrono::milliseconds(1'500));
  EXPECT_EQ(first.GetStatus(), trace::StatusCode::kError);
  EXPECT_EQ(second.GetDuration(), std::chrono::milliseconds(100)) << "until its call had ended";
}

TEST_F(LateSpansTest, TheUseOfADatabaseIsASpanOfItsKind) {
  CallRecord record = Slow();
  record.children = {{.system = "sqlite",
                      .method = "find product",
                      .target = "shop.db",
                      .start_nanos = 100'000'000,
                      .duration_nanos = 1'500'000'000,
                      .waited_nanos = 900'000'000,
                      .code = absl::StatusCode::kUnavailable}};
  const Spans spans = Add({record});
  ASSERT_THAT(spans, SizeIs(2));
  const sdk::SpanData& query = *spans[0];
  EXPECT_EQ(query.GetName(), "find product");
  EXPECT_EQ(query.GetSpanKind(), trace::SpanKind::kClient);
  EXPECT_EQ(query.GetDuration(), std::chrono::milliseconds(1'500));
  EXPECT_EQ(query.GetStatus(), trace::StatusCode::kError);
  const auto text = [&query](const char* key) {
    return opentelemetry::nostd::get<std::string>(query.GetAttributes().at(key));
  };
  EXPECT_EQ(text("db.system.name"), "sqlite");
  EXPECT_EQ(text("db.namespace"), "shop.db");
  EXPECT_EQ(text("error.type"), "UNAVAILABLE");
  EXPECT_EQ(query.GetAttributes().count("rpc.system"), 0u);
  ASSERT_THAT(query.GetEvents(), SizeIs(1));
  EXPECT_EQ(query.GetEvents()[0].GetName(), "connection acquired");
  EXPECT_EQ(query.GetEvents()[0].GetTimestamp().time_since_epoch(), std::chrono::seconds(1'001));
}

TEST_F(LateSpansTest, ATraceThatBeganHereKeepsTheIdsThatOthersWereTold) {
  const Spans spans = Add({Slow()});
  ASSERT_THAT(spans, SizeIs(3));
  EXPECT_EQ(ToTraceIds(spans[2]->GetSpanContext()).trace_id, served_.trace_id);
  EXPECT_EQ(ToTraceIds(spans[2]->GetSpanContext()).span_id, served_.span_id);
  EXPECT_FALSE(spans[2]->GetParentSpanId().IsValid());
}

TEST_F(LateSpansTest, UnderARemoteParentItIsAChild) {
  const Spans spans = Add({Slow()}, kUnsampled);
  ASSERT_THAT(spans, SizeIs(3));
  EXPECT_EQ(Hex(spans[2]->GetParentSpanId()), "00f067aa0ba902b7");
  EXPECT_NE(Hex(spans[2]->GetSpanId()), "00f067aa0ba902b7");
  EXPECT_EQ(ToTraceIds(spans[2]->GetSpanContext()).trace_id, served_.trace_id);
}

TEST_F(LateSpansTest, OnlyTheServersOwnFaultsCount) {
  EXPECT_THAT(Add({Failed(absl::StatusCode::kNotFound)}), IsEmpty());
  const Spans spans = Add({Failed(absl::StatusCode::kInternal)});
  ASSERT_THAT(spans, SizeIs(1));
  EXPECT_EQ(spans[0]->GetStatus(), trace::StatusCode::kError);
}

TEST_F(LateSpansTest, ACallThatIsRecordedAnywayGetsNoSecondSpan) {
  EXPECT_THAT(Add({Slow()}, kSampled), SizeIs(1));
}

TEST_F(LateSpansTest, AnOutageMakesABoundedNumberOfThem) {
  const std::vector<CallRecord> outage(3 * kMaxLateCallsPerSecond,
                                       Failed(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Add(outage), SizeIs(kMaxLateCallsPerSecond));
  clock_.Advance(absl::Milliseconds(500));
  EXPECT_THAT(Add(outage), SizeIs(kMaxLateCallsPerSecond / 2));
}

TEST(LateSpans, WithoutATracerNothingIsMade) {
  LateSpans late(TracerPtr(), absl::Seconds(1));
  late.Add(Slow());
}

}  // namespace
}  // namespace weft::observability
