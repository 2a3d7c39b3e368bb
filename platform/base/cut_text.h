// Texts from outside, bounded: what is written to logs, errors and traces.
#ifndef WEFT_PLATFORM_BASE_CUT_TEXT_H_
#define WEFT_PLATFORM_BASE_CUT_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace weft {

// The beginning of `text` that has at most `max_bytes` and does not end inside a character of
// UTF-8: such texts end up in protobuf strings.
absl::string_view CutText(absl::string_view text, size_t max_bytes);

// The same, with "…" behind it where something was cut off.
std::string ShortenedText(absl::string_view text, size_t max_bytes);

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CUT_TEXT_H_
