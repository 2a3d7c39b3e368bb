#include "platform/observability/logging/json_line.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/utf8.h"

namespace weft::observability {
namespace {

constexpr char kEllipsis[] = "\xE2\x80\xA6";  // …

void AppendEscaped(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
        absl::StrAppend(&out, "\\u", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad4));
      } else {
        out += c;
      }
  }
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const size_t bytes = Utf8SequenceBytes(text);
    if (bytes == 1) {
      AppendEscaped(text[0], out);
    } else if (bytes == 0) {
      out += kUtf8Replacement;
    } else {
      out.append(text.data(), bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out += '"';
}

void JsonLine::Key(absl::string_view key) {
  text_ += text_.empty() ? '{' : ',';
  AppendJsonString(key, text_);
  text_ += ':';
}

void JsonLine::Add(absl::string_view key, absl::string_view value) {
  Key(key);
  if (value.size() <= kMaxLogTextBytes) {
    AppendJsonString(value, text_);
    return;
  }
  AppendJsonString(value.substr(0, kMaxLogTextBytes), text_);
  text_.insert(text_.size() - 1, kEllipsis);
}

void JsonLine::Add(absl::string_view key, int64_t value) {
  Key(key);
  absl::StrAppend(&text_, value);
}

void JsonLine::Add(absl::string_view key, uint64_t value) {
  Key(key);
  absl::StrAppend(&text_, value);
}

void JsonLine::Add(absl::string_view key, double value) {
  Key(key);
  if (!std::isfinite(value)) {
    text_ += "null";
    return;
  }
  char digits[32];  // the longest double takes 24
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  text_.append(digits, end);
}

void JsonLine::Add(absl::string_view key, bool value) {
  Key(key);
  text_ += value ? "true" : "false";
}

std::string JsonLine::Finish() && {
  text_ += text_.empty() ? "{}" : "}";
  return std::move(text_);
}

}  // namespace weft::observability
