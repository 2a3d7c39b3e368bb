#include "platform/observability/tracing/trace_ids.h"

#include <cstring>

namespace weft::observability {
namespace {

// "00-" trace id "-" span id "-" flags
constexpr size_t kTraceIdAt = 3;
constexpr size_t kSpanIdAt = 36;
constexpr size_t kFlagsAt = 53;

// -1 for anything but a lower-case hexadecimal digit: the standard allows no others.
constexpr std::array<int8_t, 256> kHexValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i) values['0' + i] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) values['a' + i] = static_cast<int8_t>(10 + i);
  return values;
}();

bool FromHex(const char* hex, uint8_t* bytes, size_t count) {
  int bad = 0;
  for (size_t i = 0; i < count; ++i) {
    const int high = kHexValues[static_cast<uint8_t>(hex[2 * i])];
    const int low = kHexValues[static_cast<uint8_t>(hex[2 * i + 1])];
    bad |= high | low;
    bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return bad >= 0;
}

}  // namespace

std::optional<TraceIds> ParseTraceparent(absl::string_view header) {
  if (header.size() < kTraceparentBytes) return std::nullopt;
  uint8_t version;
  if (!FromHex(header.data(), &version, 1) || version == 0xff) return std::nullopt;
  // Later versions may append fields, after a dash.
  const bool longer = header.size() > kTraceparentBytes;
  if (longer && (version == 0 || header[kTraceparentBytes] != '-')) return std::nullopt;
  if (header[kTraceIdAt - 1] != '-' || header[kSpanIdAt - 1] != '-' ||
      header[kFlagsAt - 1] != '-') {
    return std::nullopt;
  }
  TraceIds ids;
  if (!FromHex(header.data() + kTraceIdAt, ids.trace_id.data(), ids.trace_id.size()) ||
      !FromHex(header.data() + kSpanIdAt, ids.span_id.data(), ids.span_id.size()) ||
      !FromHex(header.data() + kFlagsAt, &ids.flags, 1) || !ids.valid()) {
    return std::nullopt;
  }
  return ids;
}

Traceparent FormatTraceparent(const TraceIds& ids) {
  Traceparent header;
  const auto trace_id = ToHex(ids.trace_id);
  const auto span_id = ToHex(ids.span_id);
  const auto flags = ToHex(std::array<uint8_t, 1>{ids.flags});
  std::memcpy(header.data(), "00-", 3);
  std::memcpy(header.data() + kTraceIdAt, trace_id.data(), trace_id.size());
  header[kSpanIdAt - 1] = '-';
  std::memcpy(header.data() + kSpanIdAt, span_id.data(), span_id.size());
  header[kFlagsAt - 1] = '-';
  std::memcpy(header.data() + kFlagsAt, flags.data(), flags.size());
  return header;
}

}  // namespace weft::observability
