#include "platform/observability/tracing/remote_parent.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/observability/tracing/baggage.h"

namespace weft::observability {

namespace {

// "MUST be combined" when there are several.
void Combine(absl::string_view value, std::string& combined) {
  if (!combined.empty()) combined += ',';
  absl::StrAppend(&combined, value);
}

}  // namespace

RemoteParent ExtractParent(const rpc::MetadataView& metadata) {
  static constexpr absl::string_view kTraceparent = "traceparent";
  static constexpr absl::string_view kTracestate = "tracestate";
  RemoteParent parent;
  int traceparents = 0;
  std::string tracestate;
  for (size_t i = 0; i < metadata.size(); ++i) {
    const absl::string_view key = metadata.key(i);
    if (key == kTraceparent) {
      parent.ids = ParseTraceparent(metadata.value(i)).value_or(TraceIds{});
      ++traceparents;
    } else if (key == kTracestate) {
      Combine(metadata.value(i), tracestate);
    } else if (key == kBaggageKey) {
      Combine(metadata.value(i), parent.baggage);
    }
  }
  if (traceparents != 1) parent.ids = {};  // several: which one is right cannot be known
  if (parent.ids.valid() && !tracestate.empty() && tracestate.size() <= kMaxTracestateBytes) {
    parent.tracestate = std::make_shared<const std::string>(std::move(tracestate));
  }
  return parent;
}

}  // namespace weft::observability
