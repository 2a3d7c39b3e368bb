// The headers traceparent and tracestate of a call, a line each: "traceparent: 00-…".
#include <grpc/grpc.h>
#include <grpc/slice.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/observability/tracing/remote_parent.h"
#include "platform/observability/tracing/trace_ids.h"

namespace weft::observability {
namespace {

using Headers = std::vector<std::pair<absl::string_view, absl::string_view>>;

bool AreHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool AreZeros(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

// The standard's rule, said field by field.
bool IsTraceparent(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, absl::MaxSplits('-', 4));
  if (fields.size() < 4 || fields[0].size() != 2 || fields[1].size() != 32 ||
      fields[2].size() != 16 || fields[3].size() != 2) {
    return false;
  }
  if (!std::all_of(fields.begin(), fields.begin() + 4, AreHex)) return false;
  if (fields[0] == "ff" || (fields[0] == "00" && fields.size() > 4)) return false;
  return !AreZeros(fields[1]) && !AreZeros(fields[2]);
}

absl::string_view Text(const Traceparent& header) { return {header.data(), header.size()}; }

void CheckTraceparent(absl::string_view value) {
  const auto ids = ParseTraceparent(value);
  Check(ids.has_value() == IsTraceparent(value), "traceparent is read as the standard says");
  if (!ids.has_value()) return;
  Check(ids->valid(), "ids that were read are valid");
  const Traceparent written = FormatTraceparent(*ids);
  Check(Text(written).substr(2) == value.substr(2, kTraceparentBytes - 2),
        "what is handed on is what came");
  Check(ParseTraceparent(Text(written)) == ids, "what is written can be read");
}

void CheckParent(const Headers& headers) {
  std::vector<grpc_metadata> entries;
  std::vector<absl::string_view> traceparents;
  std::vector<absl::string_view> states;
  for (const auto& [key, value] : headers) {
    grpc_metadata entry = {};
    entry.key = grpc_slice_from_static_buffer(key.data(), key.size());
    entry.value = grpc_slice_from_static_buffer(value.data(), value.size());
    entries.push_back(entry);
    if (key == "traceparent") traceparents.push_back(value);
    if (key != "tracestate") continue;
    for (const absl::string_view state : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      states.push_back(state);
    }
  }
  const RemoteParent parent = ExtractParent({entries.data(), entries.size()});
  Check(parent.ids.valid() == (traceparents.size() == 1 && IsTraceparent(traceparents[0])),
        "there is a parent where there is one good traceparent");
  if (parent.tracestate == nullptr) return;
  Check(parent.ids.valid(), "there is no state without a parent");
  Check(parent.tracestate->size() <= kMaxTracestateBytes, "a long state is dropped");
  const std::vector<absl::string_view> kept =
      absl::StrSplit(*parent.tracestate, ',', absl::SkipEmpty());
  Check(kept == states, "the state has the entries that came, in order");
}

void TestInput(absl::string_view input) {
  Headers headers;
  for (const absl::string_view line : absl::StrSplit(input, '\n')) {
    const std::pair<absl::string_view, absl::string_view> header =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    CheckTraceparent(header.second);
    headers.push_back(header);
  }
  CheckParent(headers);
}

}  // namespace
}  // namespace weft::observability

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::observability::TestInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
