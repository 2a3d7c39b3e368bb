// Texts of any bytes made UTF-8, as JSON, protobuf and their readers want it.
#ifndef WEFT_PLATFORM_BASE_UTF8_H_
#define WEFT_PLATFORM_BASE_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace weft {

// U+FFFD, which stands where bytes were that are no UTF-8.
inline constexpr char kUtf8Replacement[] = "\xEF\xBF\xBD";

// Bytes of the character that `text`, which is not empty, begins with; 0 if it begins with none.
// Table 3-7 of the Unicode Standard: no overlong forms, no surrogates, nothing above U+10FFFF.
size_t Utf8SequenceBytes(absl::string_view text);

// `text` with each byte that is no part of a character replaced.
std::string ValidUtf8(absl::string_view text);

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_UTF8_H_
