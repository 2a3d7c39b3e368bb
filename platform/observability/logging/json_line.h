// JsonLine: builds one JSON object on one line, for logs. Whatever it is given, what comes out is
// valid JSON in valid UTF-8 (RFC 8259), without a newline.
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_JSON_LINE_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_JSON_LINE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace weft::observability {

// Longer texts are cut, and end in "…": one line must not eat the queue of the log.
inline constexpr size_t kMaxLogTextBytes = 8 * 1024;

class JsonLine {
 public:
  JsonLine() { text_.reserve(256); }

  // Keys are not checked for being unique.
  void Add(absl::string_view key, absl::string_view value);
  void Add(absl::string_view key, int64_t value);
  void Add(absl::string_view key, uint64_t value);
  // Infinities and NaN, which JSON has no numbers for, become null.
  void Add(absl::string_view key, double value);
  void Add(absl::string_view key, bool value);

  // The object, closed. Call it once.
  std::string Finish() &&;

 private:
  void Key(absl::string_view key);
  std::string text_;
};

// Appends `text` between quotes to `out`: control characters, quotes and backslashes escaped, each
// byte that is no part of valid UTF-8 replaced by U+FFFD.
void AppendJsonString(absl::string_view text, std::string& out);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_JSON_LINE_H_
