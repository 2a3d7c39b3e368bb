// Input in the text of an error.
#ifndef WEFT_PLATFORM_APP_PRINTABLE_H_
#define WEFT_PLATFORM_APP_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weft::app {

// `text` as a part of one line, whatever stands in it: control characters, quotes and backslashes
// as in C, and of a long one the beginning, with "…" behind it.
std::string Printable(absl::string_view text);
// The same in double quotes.
std::string Quoted(absl::string_view text);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_PRINTABLE_H_
