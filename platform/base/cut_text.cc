#include "platform/base/cut_text.h"

#include "absl/strings/str_cat.h"

namespace weft {

absl::string_view CutText(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  // The bytes of a character but its first are 10xxxxxx.
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string ShortenedText(absl::string_view text, size_t max_bytes) {
  const absl::string_view beginning = CutText(text, max_bytes);
  return absl::StrCat(beginning, beginning.size() == text.size() ? "" : "…");
}

}  // namespace weft
