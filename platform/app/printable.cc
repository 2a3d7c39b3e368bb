#include "platform/app/printable.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/base/cut_text.h"

namespace weft::app {
namespace {

// As much as a person reads of a value that is wrong.
constexpr size_t kMaxBytes = 120;

}  // namespace

std::string Printable(absl::string_view text) {
  const absl::string_view beginning = CutText(text, kMaxBytes);
  return absl::StrCat(absl::Utf8SafeCHexEscape(beginning),
                      beginning.size() == text.size() ? "" : "…");
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

}  // namespace weft::app
