#include "platform/data/query_text.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace weft::data {
namespace {

// A byte of a name, of a keyword or of a parameter; bytes of UTF-8 are.
bool IsOfWord(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// Bytes of the text in quotes that `sql` begins with, in which a quote is doubled, or behind a
// backslash; to the end where it is not closed.
size_t QuotedBytes(absl::string_view sql, bool backslashes = false) {
  const char quote = sql.front();
  for (size_t i = 1; i < sql.size(); ++i) {
    if (backslashes && sql[i] == '\\') {
      ++i;
      continue;
    }
    if (sql[i] != quote) continue;
    if (i + 1 == sql.size() || sql[i + 1] != quote) return i + 1;
    ++i;
  }
  return sql.size();
}

// Of PostgreSQL's $tag$text$tag$, in which nothing is escaped; 0 where `sql` does not begin so.
size_t DollarQuotedBytes(absl::string_view sql) {
  const size_t tag_end = sql.find('$', 1);
  if (tag_end == absl::string_view::npos) return 0;
  const absl::string_view tag = sql.substr(0, tag_end + 1);
  const absl::string_view name = tag.substr(1, tag.size() - 2);
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c != '$' && IsOfWord(c); }) ||
      (!name.empty() && absl::ascii_isdigit(name.front()))) {
    return 0;
  }
  const size_t end = sql.find(tag, tag.size());
  return end == absl::string_view::npos ? sql.size() : end + tag.size();
}

// Of the comment that `sql` begins with, or 0.
size_t CommentBytes(absl::string_view sql) {
  if (absl::StartsWith(sql, "--")) return std::min(sql.find('\n'), sql.size());
  if (!absl::StartsWith(sql, "/*")) return 0;
  const size_t end = sql.find("*/", 2);
  return end == absl::string_view::npos ? sql.size() : end + 2;
}

// Of a number: digits, a point, an exponent with its sign, hexadecimal.
size_t NumberBytes(absl::string_view sql) {
  size_t i = 0;
  while (i < sql.size() &&
         (IsOfWord(sql[i]) || sql[i] == '.' ||
          ((sql[i] == '+' || sql[i] == '-') && i > 0 && absl::ascii_tolower(sql[i - 1]) == 'e'))) {
    ++i;
  }
  return i;
}

size_t WordBytes(absl::string_view sql) {
  size_t i = 0;
  while (i < sql.size() && IsOfWord(sql[i])) ++i;
  return i;
}

class Reader {
 public:
  explicit Reader(absl::string_view sql) : left_(sql) {}

  std::string Read() {
    while (!left_.empty()) Next();
    return std::move(text_);
  }

 private:
  void Next() {
    const char c = left_.front();
    if (absl::ascii_isspace(c)) return Blank(1);
    if (const size_t bytes = CommentBytes(left_)) return Blank(bytes);
    if (c == '\'') return Literal(QuotedBytes(left_));
    if (c == '"' || c == '`') return Keep(QuotedBytes(left_));  // a name
    if (c == '$') {
      if (const size_t bytes = DollarQuotedBytes(left_)) return Literal(bytes);
    }
    if (absl::ascii_isdigit(c) || (c == '.' && left_.size() > 1 && absl::ascii_isdigit(left_[1]))) {
      return Literal(NumberBytes(left_));
    }
    if (c == '?' || c == ':' || c == '@') return Keep(1 + WordBytes(left_.substr(1)));
    if (IsOfWord(c)) return Word();
    Keep(1);
  }

  // A name or keyword; or what stands before a literal's quote: X'00', E'text', N'text'.
  void Word() {
    const size_t bytes = WordBytes(left_);
    if (bytes == 1 && left_.size() > 1 && left_[1] == '\'') {
      return Literal(1 + QuotedBytes(left_.substr(1), absl::ascii_tolower(left_[0]) == 'e'));
    }
    Keep(bytes);
  }

  void Blank(size_t bytes) {
    if (!text_.empty()) blank_ = true;
    left_.remove_prefix(bytes);
  }
  void Keep(size_t bytes) { Append(left_.substr(0, bytes), bytes); }
  void Literal(size_t bytes) { Append("?", bytes); }
  void Append(absl::string_view what, size_t bytes) {
    if (blank_) text_ += ' ';
    blank_ = false;
    text_.append(what.data(), what.size());
    left_.remove_prefix(bytes);
  }

  absl::string_view left_;
  bool blank_ = false;  // to be written before what comes next
  std::string text_;
};

}  // namespace

std::string QueryText(absl::string_view sql) { return Reader(sql).Read(); }

}  // namespace weft::data
