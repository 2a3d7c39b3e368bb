#include "platform/observability/logging/json_line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>

namespace weft::observability {
namespace {

using nlohmann::json;

std::string Escape(absl::string_view text) {
  std::string escaped;
  AppendJsonString(text, escaped);
  return escaped;
}

TEST(JsonString, QuotesBackslashesAndControlsAreEscaped) {
  EXPECT_EQ(Escape("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(Escape(absl::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
}

TEST(JsonString, ValidUtf8StaysAsItIs) {
  const std::string text = "é€😀\xEF\xBF\xBD";
  EXPECT_EQ(Escape(text), "\"" + text + "\"");
}

TEST(JsonString, InvalidUtf8IsReplacedByteByByte) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(Escape("a\x80z"), "\"a" + r + "z\"");              // a stray continuation
  EXPECT_EQ(Escape("\xC0\xAF"), "\"" + r + r + "\"");          // overlong
  EXPECT_EQ(Escape("\xED\xA0\x80"), "\"" + r + r + r + "\"");  // a surrogate
  EXPECT_EQ(Escape("\xF5z"), "\"" + r + "z\"");                // above U+10FFFF
  EXPECT_EQ(Escape("\xE2\x82"), "\"" + r + r + "\"");          // cut short
}

TEST(JsonString, WhateverBytesComeAJsonParserReadsTheSameText) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n) text += static_cast<char>(random());
    const json parsed = json::parse(Escape(text));  // throws on invalid JSON or UTF-8
    // nlohmann's own writer, where the text is valid, is the model.
    json model = text;
    std::string written;
    try {
      written = model.dump();
    } catch (const json::type_error&) {
      continue;
    }
    EXPECT_EQ(parsed.get<std::string>(), json::parse(written).get<std::string>());
  }
}

TEST(JsonLine, HoldsEveryKindOfValue) {
  JsonLine line;
  line.Add("text", absl::string_view("x"));
  line.Add("int", int64_t{-5});
  line.Add("big", std::numeric_limits<uint64_t>::max());
  line.Add("double", 0.1);
  line.Add("nan", std::nan(""));
  line.Add("yes", true);
  EXPECT_EQ(std::move(line).Finish(),
            R"({"text":"x","int":-5,"big":18446744073709551615,"double":0.1,"nan":null,)"
            R"("yes":true})");
}

TEST(JsonLine, IsAnObjectWhenEmpty) { EXPECT_EQ(JsonLine().Finish(), "{}"); }

TEST(JsonLine, LongTextsAreCut) {
  JsonLine line;
  line.Add("text", absl::string_view(std::string(kMaxLogTextBytes, 'x') + "tail"));
  const json parsed = json::parse(std::move(line).Finish());
  EXPECT_EQ(parsed["text"].get<std::string>(), std::string(kMaxLogTextBytes, 'x') + "…");
}

TEST(JsonLine, ACutInsideACharacterLeavesValidJson) {
  JsonLine line;
  line.Add("text", absl::string_view(std::string(kMaxLogTextBytes - 1, 'x') + "€€"));
  EXPECT_TRUE(json::accept(std::move(line).Finish()));
}

}  // namespace
}  // namespace weft::observability
