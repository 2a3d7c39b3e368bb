// The admin pages' HTML: escaping, and the frame that every page has: title, links to the other
// pages, style. No external assets; readable on a small screen, light and dark, and without a mouse
// or a script.
#ifndef WEFT_PLATFORM_APP_HTML_H_
#define WEFT_PLATFORM_APP_HTML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weft::app {

inline constexpr char kHtmlContentType[] = "text/html; charset=utf-8";

// For text and for attributes in quotes.
std::string EscapeHtml(absl::string_view text);

// A whole page. `title` is escaped here; `body` is HTML. `path` is the page's own, as the links
// have it; empty: it is none of those.
std::string HtmlPage(absl::string_view title, absl::string_view body, absl::string_view path = "");

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_HTML_H_
