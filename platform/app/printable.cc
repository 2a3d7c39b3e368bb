#include "platform/app/printable.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

// As much as a person reads of a value that is wrong.
constexpr size_t kMaxBytes = 120;

}  // namespace

std::string Printable(absl::string_view text) {
  if (text.size() <= kMaxBytes) return absl::Utf8SafeCHexEscape(text);
  // Not in the middle of a character: its bytes but the first are 10xxxxxx.
  size_t end = kMaxBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(absl::Utf8SafeCHexEscape(text.substr(0, end)), "…");
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

}  // namespace weft::app
