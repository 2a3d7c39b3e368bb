#include "platform/observability/tracing/otlp_spans.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "opentelemetry/sdk/common/attribute_utils.h"
#include "opentelemetry/sdk/trace/span_data.h"
#include "platform/base/utf8.h"

namespace weft::observability {
namespace {

namespace common = opentelemetry::sdk::common;
namespace nostd = opentelemetry::nostd;
namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;
using otlp::v1::AnyValue;
using otlp::v1::Span;

// A string of protobuf that is no UTF-8 would have the collector refuse the whole request.
std::string Text(nostd::string_view of) { return ValidUtf8({of.data(), of.size()}); }

// An overload for each of OwnedAttributeValue's kinds.
struct ValueSetter {
  void operator()(bool of) const { to.set_bool_value(of); }
  void operator()(int32_t of) const { to.set_int_value(of); }
  void operator()(uint32_t of) const { to.set_int_value(of); }
  void operator()(int64_t of) const { to.set_int_value(of); }
  // OTLP has no unsigned numbers.
  void operator()(uint64_t of) const { to.set_int_value(static_cast<int64_t>(of)); }
  void operator()(double of) const { to.set_double_value(of); }
  void operator()(const std::string& of) const { to.set_string_value(ValidUtf8(of)); }
  void operator()(const std::vector<uint8_t>& of) const {
    to.set_bytes_value(std::string(of.begin(), of.end()));
  }
  template <typename T>
  void operator()(const std::vector<T>& of) const {
    otlp::v1::ArrayValue& array = *to.mutable_array_value();
    for (const auto& one : of) ValueSetter{*array.add_values()}(static_cast<const T&>(one));
  }

  AnyValue& to;
};

// `to` is a repeated KeyValue.
template <typename Attributes, typename Repeated>
void SetAttributes(const Attributes& of, Repeated& to) {
  for (const auto& [key, value] : of) {
    otlp::v1::KeyValue& pair = *to.Add();
    pair.set_key(ValidUtf8(key));
    nostd::visit(ValueSetter{*pair.mutable_value()}, value);
  }
}

template <typename Id>
std::string Bytes(const Id& id) {
  return std::string(reinterpret_cast<const char*>(id.Id().data()), id.Id().size());
}

uint64_t Nanos(opentelemetry::common::SystemTimestamp time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

Span::Kind KindOf(trace::SpanKind kind) {
  switch (kind) {
    case trace::SpanKind::kInternal:
      return Span::INTERNAL;
    case trace::SpanKind::kServer:
      return Span::SERVER;
    case trace::SpanKind::kClient:
      return Span::CLIENT;
    case trace::SpanKind::kProducer:
      return Span::PRODUCER;
    case trace::SpanKind::kConsumer:
      return Span::CONSUMER;
  }
  return Span::UNSPECIFIED;
}

void SetStatus(const sdk::SpanData& of, Span::Status& to) {
  if (of.GetStatus() == trace::StatusCode::kOk) to.set_code(Span::Status::OK);
  if (of.GetStatus() == trace::StatusCode::kError) to.set_code(Span::Status::ERROR);
  to.set_message(Text(of.GetDescription()));
}

void SetSpan(const sdk::SpanData& of, Span& to) {
  to.set_trace_id(Bytes(of.GetTraceId()));
  to.set_span_id(Bytes(of.GetSpanId()));
  to.set_trace_state(of.GetSpanContext().trace_state()->ToHeader());
  if (of.GetParentSpanId().IsValid()) to.set_parent_span_id(Bytes(of.GetParentSpanId()));
  to.set_flags(of.GetFlags().flags());
  to.set_name(Text(of.GetName()));
  to.set_kind(KindOf(of.GetSpanKind()));
  to.set_start_time_unix_nano(Nanos(of.GetStartTime()));
  to.set_end_time_unix_nano(Nanos(of.GetStartTime()) +
                            static_cast<uint64_t>(of.GetDuration().count()));
  SetAttributes(of.GetAttributes(), *to.mutable_attributes());
  for (const sdk::SpanDataEvent& event : of.GetEvents()) {
    Span::Event& added = *to.add_events();
    added.set_time_unix_nano(Nanos(event.GetTimestamp()));
    added.set_name(ValidUtf8(event.GetName()));
    SetAttributes(event.GetAttributes(), *added.mutable_attributes());
  }
  for (const sdk::SpanDataLink& link : of.GetLinks()) {
    Span::Link& added = *to.add_links();
    added.set_trace_id(Bytes(link.GetSpanContext().trace_id()));
    added.set_span_id(Bytes(link.GetSpanContext().span_id()));
    added.set_trace_state(link.GetSpanContext().trace_state()->ToHeader());
    SetAttributes(link.GetAttributes(), *added.mutable_attributes());
  }
  if (of.GetStatus() != trace::StatusCode::kUnset) SetStatus(of, *to.mutable_status());
}

}  // namespace

otlp::v1::ExportTraceServiceRequest ToOtlp(
    nostd::span<const std::unique_ptr<sdk::Recordable>> spans) {
  otlp::v1::ExportTraceServiceRequest request;
  absl::flat_hash_map<const void*, otlp::v1::ResourceSpans*> resources;
  absl::flat_hash_map<std::pair<const void*, const void*>, otlp::v1::ScopeSpans*> scopes;
  for (const std::unique_ptr<sdk::Recordable>& recordable : spans) {
    const auto& span = static_cast<const sdk::SpanData&>(*recordable);
    const auto& resource = span.GetResource();
    otlp::v1::ResourceSpans*& of_resource = resources[&resource];
    if (of_resource == nullptr) {
      of_resource = request.add_resource_spans();
      SetAttributes(resource.GetAttributes().GetAttributes(),
                    *of_resource->mutable_resource()->mutable_attributes());
    }
    const auto& scope = span.GetInstrumentationScope();
    otlp::v1::ScopeSpans*& of_scope = scopes[{&resource, &scope}];
    if (of_scope == nullptr) {
      of_scope = of_resource->add_scope_spans();
      of_scope->mutable_scope()->set_name(scope.GetName());
      of_scope->mutable_scope()->set_version(scope.GetVersion());
    }
    SetSpan(span, *of_scope->add_spans());
  }
  return request;
}

}  // namespace weft::observability
