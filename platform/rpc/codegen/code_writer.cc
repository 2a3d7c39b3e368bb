#include "platform/rpc/codegen/code_writer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace weft::rpc::codegen {
namespace {

// As clang-format's Google style continues a line.
constexpr int kContinuationColumns = 4;

int Width(absl::string_view text) { return static_cast<int>(text.size()); }

}  // namespace

void CodeWriter::Line(absl::string_view text) {
  if (!text.empty()) absl::StrAppend(&text_, std::string(indent_, ' '), text);
  text_.push_back('\n');
}

void CodeWriter::Comment(absl::string_view text) {
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    line = absl::StripTrailingAsciiWhitespace(line);
    // A backslash at its end would make the next line of code a part of the comment.
    while (absl::ConsumeSuffix(&line, "\\")) line = absl::StripTrailingAsciiWhitespace(line);
    const bool spaced = line.empty() || line.front() == ' ';
    Line(absl::StrCat("//", spaced ? "" : " ", line));
  }
}

void CodeWriter::List(absl::string_view head, const std::vector<std::string>& arguments,
                      absl::string_view tail) {
  const std::string line = absl::StrCat(head, absl::StrJoin(arguments, ", "), tail);
  if (indent_ + Width(line) <= kColumnsMax || arguments.empty()) {
    Line(line);
    return;
  }
  if (PackList(head, indent_ + Width(head), arguments, tail, /*must_fit=*/true)) return;
  PackList(absl::StrCat(head, "\n", std::string(indent_ + kContinuationColumns, ' ')),
           indent_ + kContinuationColumns, arguments, tail, /*must_fit=*/false);
}

void CodeWriter::Function(absl::string_view type, absl::string_view name,
                          const std::vector<std::string>& parameters, absl::string_view tail) {
  const std::string head = absl::StrCat(type, " ", name, "(");
  if (indent_ + Width(head) <= kColumnsMax) {
    List(head, parameters, tail);
    return;
  }
  Line(type);
  List(absl::StrCat(name, "("), parameters, tail);
}

bool CodeWriter::PackList(absl::string_view first, int column,
                          const std::vector<std::string>& arguments, absl::string_view tail,
                          bool must_fit) {
  std::string packed(first);
  int used = column;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool last = i + 1 == arguments.size();
    const std::string piece = absl::StrCat(arguments[i], last ? tail : ",");
    if (i > 0 && used + 1 + Width(piece) <= kColumnsMax) {
      absl::StrAppend(&packed, " ", piece);
      used += 1 + Width(piece);
      continue;
    }
    if (must_fit && column + Width(piece) > kColumnsMax) return false;
    if (i > 0) absl::StrAppend(&packed, "\n", std::string(column, ' '));
    packed.append(piece);
    used = column + Width(piece);
  }
  Line(packed);
  return true;
}

}  // namespace weft::rpc::codegen
