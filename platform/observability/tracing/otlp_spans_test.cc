#include "platform/observability/tracing/otlp_spans.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "opentelemetry/common/key_value_iterable_view.h"
#include "opentelemetry/sdk/instrumentationscope/instrumentation_scope.h"
#include "opentelemetry/sdk/resource/resource.h"
#include "opentelemetry/sdk/trace/span_data.h"
#include "opentelemetry/trace/span_context.h"

namespace weft::observability {
namespace {

namespace common = opentelemetry::common;
namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;
using opentelemetry::sdk::instrumentationscope::InstrumentationScope;
using opentelemetry::sdk::resource::Resource;

constexpr uint8_t kTrace[16] = {0x4b, 0xf9, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr uint8_t kSpan[8] = {0xf0, 1, 2, 3, 4, 5, 6, 7};
constexpr uint8_t kParent[8] = {0xa0, 1, 2, 3, 4, 5, 6, 7};

using Spans = std::vector<std::unique_ptr<sdk::Recordable>>;

class OtlpSpans : public ::testing::Test {
 protected:
  // Of the trace and the scope that all have.
  sdk::SpanData& Add() {
    auto span = std::make_unique<sdk::SpanData>();
    sdk::SpanData& added = *span;
    span->SetResource(resource_);
    span->SetInstrumentationScope(*scope_);
    span->SetIdentity(trace::SpanContext(trace::TraceId(kTrace), trace::SpanId(kSpan),
                                         trace::TraceFlags(1), false),
                      trace::SpanId(kParent));
    span->SetTraceFlags(trace::TraceFlags(1));
    spans_.push_back(std::move(span));
    return added;
  }
  otlp::v1::ExportTraceServiceRequest Converted() const {
    return ToOtlp({spans_.data(), spans_.size()});
  }
  // Of the only one.
  otlp::v1::Span ConvertedSpan() const {
    return Converted().resource_spans(0).scope_spans(0).spans(0);
  }

  Resource resource_ = Resource::Create({{"service.name", "shop"}});
  std::unique_ptr<InstrumentationScope> scope_ = InstrumentationScope::Create("weft", "1.2");
  Spans spans_;
};

std::string Text(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

TEST_F(OtlpSpans, ASpanHasItsIdsTimesStatusAndEvents) {
  sdk::SpanData& span = Add();
  span.SetName("Get");
  span.SetSpanKind(trace::SpanKind::kServer);
  span.SetStartTime(common::SystemTimestamp(std::chrono::nanoseconds(1'000)));
  span.SetDuration(std::chrono::nanoseconds(500));
  span.SetStatus(trace::StatusCode::kError, "no price");
  span.AddEvent("stall", common::SystemTimestamp(std::chrono::nanoseconds(1'200)),
                common::MakeKeyValueIterableView(std::map<std::string, int>{{"millis", 30}}));
  span.AddLink(trace::SpanContext(trace::TraceId(kTrace), trace::SpanId(kParent),
                                  trace::TraceFlags(1), false),
               common::MakeKeyValueIterableView(std::map<std::string, bool>{{"batch", true}}));

  EXPECT_EQ(Text(ConvertedSpan()),
            "trace_id: \"K\\371\\002\\003\\004\\005\\006\\007\\010\\t\\n\\013\\014\\r\\016\\017\"\n"
            "span_id: \"\\360\\001\\002\\003\\004\\005\\006\\007\"\n"
            "parent_span_id: \"\\240\\001\\002\\003\\004\\005\\006\\007\"\n"
            "name: \"Get\"\n"
            "kind: SERVER\n"
            "start_time_unix_nano: 1000\n"
            "end_time_unix_nano: 1500\n"
            "events {\n"
            "  time_unix_nano: 1200\n"
            "  name: \"stall\"\n"
            "  attributes {\n    key: \"millis\"\n    value {\n      int_value: 30\n    }\n  }\n"
            "}\n"
            "links {\n"
            "  trace_id: "
            "\"K\\371\\002\\003\\004\\005\\006\\007\\010\\t\\n\\013\\014\\r\\016\\017\"\n"
            "  span_id: \"\\240\\001\\002\\003\\004\\005\\006\\007\"\n"
            "  attributes {\n    key: \"batch\"\n    value {\n      bool_value: true\n    }\n  }\n"
            "}\n"
            "status {\n  message: \"no price\"\n  code: ERROR\n}\n"
            "flags: 1\n");
}

TEST_F(OtlpSpans, ARootHasNoParentAndAnUnsetStatusIsLeftOut) {
  Add().SetIdentity(
      trace::SpanContext(trace::TraceId(kTrace), trace::SpanId(kSpan), trace::TraceFlags(1), false),
      trace::SpanId());
  EXPECT_EQ(ConvertedSpan().parent_span_id(), "");
  EXPECT_FALSE(ConvertedSpan().has_status());
}

TEST_F(OtlpSpans, AttributesKeepTheirKinds) {
  sdk::SpanData& span = Add();
  const int32_t numbers[] = {-1, 2};
  const bool bools[] = {true, false};
  const nostd::string_view texts[] = {"a", "b"};
  const uint8_t bytes[] = {0, 255};
  const std::map<std::string, common::AttributeValue> attributes = {
      {"bool", true},
      {"int", int32_t{-7}},
      {"large", int64_t{1} << 40},
      {"double", 0.5},
      {"text", "é"},
      {"numbers", nostd::span<const int32_t>(numbers)},
      {"bools", nostd::span<const bool>(bools)},
      {"texts", nostd::span<const nostd::string_view>(texts)},
      {"bytes", nostd::span<const uint8_t>(bytes)}};
  for (const auto& [key, value] : attributes) span.SetAttribute(key, value);

  std::map<std::string, std::string> texts_of;
  const otlp::v1::Span converted = ConvertedSpan();
  for (const auto& pair : converted.attributes()) {
    texts_of[pair.key()] = pair.value().ShortDebugString();
  }
  EXPECT_THAT(
      texts_of,
      ::testing::UnorderedElementsAre(
          ::testing::Pair("bool", "bool_value: true"), ::testing::Pair("int", "int_value: -7"),
          ::testing::Pair("large", "int_value: 1099511627776"),
          ::testing::Pair("double", "double_value: 0.5"),
          ::testing::Pair("text", "string_value: \"\\303\\251\""),
          ::testing::Pair("numbers",
                          "array_value { values { int_value: -1 } values { int_value: 2 } }"),
          ::testing::Pair("bools",
                          "array_value { values { bool_value: true } values { bool_value: false } "
                          "}"),
          ::testing::Pair("texts",
                          "array_value { values { string_value: \"a\" } values { string_value: "
                          "\"b\" } }"),
          ::testing::Pair("bytes", "bytes_value: \"\\000\\377\"")));
}

// A collector refuses a whole request for one string that is no UTF-8.
TEST_F(OtlpSpans, TextsAreMadeUtf8) {
  sdk::SpanData& span = Add();
  span.SetName("n\xff");
  span.SetAttribute("k\xff", "v\xff");
  span.SetStatus(trace::StatusCode::kError, "s\xff");
  span.AddEvent("e\xff", common::SystemTimestamp(), common::NoopKeyValueIterable());
  const otlp::v1::Span converted = ConvertedSpan();
  EXPECT_EQ(converted.name(), "n\uFFFD");
  EXPECT_EQ(converted.attributes(0).key(), "k\uFFFD");
  EXPECT_EQ(converted.attributes(0).value().string_value(), "v\uFFFD");
  EXPECT_EQ(converted.status().message(), "s\uFFFD");
  EXPECT_EQ(converted.events(0).name(), "e\uFFFD");
}

TEST_F(OtlpSpans, SpansAreTogetherByResourceAndScope) {
  Add().SetName("first");
  Add().SetName("second");
  const auto other = InstrumentationScope::Create("library", "2");
  Add().SetInstrumentationScope(*other);

  const otlp::v1::ExportTraceServiceRequest request = Converted();
  ASSERT_EQ(request.resource_spans_size(), 1);
  const otlp::v1::ResourceSpans& all = request.resource_spans(0);
  bool named = false;
  for (const auto& pair : all.resource().attributes()) {
    named |= pair.key() == "service.name" && pair.value().string_value() == "shop";
  }
  EXPECT_TRUE(named) << all.resource().ShortDebugString();
  ASSERT_EQ(all.scope_spans_size(), 2);
  EXPECT_EQ(all.scope_spans(0).scope().name(), "weft");
  EXPECT_EQ(all.scope_spans(0).scope().version(), "1.2");
  EXPECT_EQ(all.scope_spans(0).spans_size(), 2);
  EXPECT_EQ(all.scope_spans(1).scope().name(), "library");
  EXPECT_EQ(all.scope_spans(1).spans_size(), 1);
}

TEST_F(OtlpSpans, NoneIsAnEmptyRequest) { EXPECT_EQ(Converted().ByteSizeLong(), 0u); }

}  // namespace
}  // namespace weft::observability
