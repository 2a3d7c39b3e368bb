// TraceIds: a place in a trace, as W3C's header `traceparent` carries it; and that header.
// https://www.w3.org/TR/trace-context/ ("Trace Context", level 1).
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_TRACE_IDS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_TRACE_IDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace weft::observability {

struct TraceIds {
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};
  uint8_t flags = 0;

  // Neither id is all zeros.
  bool valid() const { return trace_id != decltype(trace_id){} && span_id != decltype(span_id){}; }
  bool sampled() const { return (flags & 1) != 0; }

  friend bool operator==(const TraceIds&, const TraceIds&) = default;
};

inline constexpr size_t kTraceparentBytes = 55;
using Traceparent = std::array<char, kTraceparentBytes>;

// nullopt for a value that the standard calls invalid; a receiver then acts as if it were absent.
// Values of versions above 00 are read as far as version 00 goes ("Versioning of traceparent").
std::optional<TraceIds> ParseTraceparent(absl::string_view header);
// Version 00.
Traceparent FormatTraceparent(const TraceIds& ids);

// Lower-case hexadecimal, two digits a byte.
template <size_t N>
std::array<char, 2 * N> ToHex(const std::array<uint8_t, N>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 2 * N> hex;
  for (size_t i = 0; i < N; ++i) {
    hex[2 * i] = kDigits[bytes[i] >> 4];
    hex[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return hex;
}

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_TRACE_IDS_H_
