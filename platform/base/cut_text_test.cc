#include "platform/base/cut_text.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

TEST(CutText, LeavesWhatIsShortEnough) {
  EXPECT_EQ(CutText("", 0), "");
  EXPECT_EQ(CutText("abc", 3), "abc");
  EXPECT_EQ(ShortenedText("abc", 3), "abc");
}

TEST(CutText, EndsBetweenCharacters) {
  EXPECT_EQ(CutText("abc", 2), "ab");
  EXPECT_EQ(CutText("aéb", 2), "a");
  EXPECT_EQ(CutText("aéb", 3), "aé");
  EXPECT_EQ(CutText("€", 2), "");
  EXPECT_EQ(ShortenedText("aéb", 2), "a…");
}

TEST(CutText, WhatIsNoUtf8IsCutToo) {
  EXPECT_EQ(CutText(std::string(9, '\x80'), 4), "");
  EXPECT_EQ(CutText(std::string(9, '\xff'), 4), std::string(4, '\xff'));
}

}  // namespace
}  // namespace weft
