#include "platform/base/utf8.h"

#include <cstdint>

namespace weft {
namespace {

uint8_t Byte(absl::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

}  // namespace

size_t Utf8SequenceBytes(absl::string_view text) {
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

std::string ValidUtf8(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t bytes = Utf8SequenceBytes(text);
    if (bytes == 0) {
      valid += kUtf8Replacement;
    } else {
      valid.append(text.data(), bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return valid;
}

}  // namespace weft
