// The admin pages' HTML: escaping, and the frame that every page has. No scripts, no external
// assets; readable on a small screen, light and dark.
#ifndef WEFT_PLATFORM_APP_HTML_H_
#define WEFT_PLATFORM_APP_HTML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weft::app {

inline constexpr char kHtmlContentType[] = "text/html; charset=utf-8";

// For text and for attributes in quotes.
std::string EscapeHtml(absl::string_view text);

// A whole page. `title` is escaped here; `body` is HTML.
std::string HtmlPage(absl::string_view title, absl::string_view body);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_HTML_H_
