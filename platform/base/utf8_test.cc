#include "platform/base/utf8.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(ValidUtf8, LeavesCharactersAsTheyAre) {
  EXPECT_EQ(ValidUtf8(""), "");
  EXPECT_EQ(ValidUtf8("plain\n\x7f"), "plain\n\x7f");
  EXPECT_EQ(ValidUtf8("é €"), "é €");
  EXPECT_EQ(ValidUtf8("\xF0\x9F\x8C\x8D \xF4\x8F\xBF\xBF"), "\xF0\x9F\x8C\x8D \xF4\x8F\xBF\xBF");
}

TEST(ValidUtf8, ReplacesOtherBytesOneByOne) {
  EXPECT_EQ(ValidUtf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(ValidUtf8("\x80"), "\uFFFD");                      // the middle of a character
  EXPECT_EQ(ValidUtf8("\xE2\x82"), "\uFFFD\uFFFD");            // cut off
  EXPECT_EQ(ValidUtf8("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(ValidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(ValidUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
}

}  // namespace
}  // namespace weft
