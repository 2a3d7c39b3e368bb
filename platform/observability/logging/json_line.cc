#include "platform/observability/logging/json_line.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft::observability {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD
constexpr char kEllipsis[] = "\xE2\x80\xA6";     // …

uint8_t Byte(absl::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// Bytes of the UTF-8 sequence that `text` begins with; 0 if there is none. Table 3-7 of the Unicode
// Standard: no overlong forms, no surrogates, nothing above U+10FFFF.
size_t SequenceBytes(absl::string_view text) {
  const uint8_t first = Byte(text, 0);
  if (first < 0x80) return 1;
  size_t bytes;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    bytes = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    bytes = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    bytes = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() < bytes || Byte(text, 1) < low || Byte(text, 1) > high) return 0;
  for (size_t i = 2; i < bytes; ++i) {
    if (Byte(text, i) < 0x80 || Byte(text, i) > 0xBF) return 0;
  }
  return bytes;
}

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
    const size_t bytes = SequenceBytes(text);
    if (bytes == 1) {
      AppendEscaped(text[0], out);
    } else if (bytes == 0) {
      out += kReplacement;
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
