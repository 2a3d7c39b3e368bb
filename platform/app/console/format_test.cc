#include "platform/app/console/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace weft::app {
namespace {

using testing::HasSubstr;

TEST(PageFormat, ABrowserGetsHtmlAndCurlGetsTextUnlessTheyAskForSomethingElse) {
  EXPECT_EQ(*ParsePageFormat({}), PageFormat::kText);
  EXPECT_EQ(*ParsePageFormat({.accept = "*/*"}), PageFormat::kText);
  EXPECT_EQ(*ParsePageFormat({.accept = "text/html,application/xml;q=0.9"}), PageFormat::kHtml);
  EXPECT_EQ(*ParsePageFormat({.query = {{"format", "json"}}, .accept = "text/html"}),
            PageFormat::kJson);
  EXPECT_THAT(std::string(ParsePageFormat({.query = {{"format", "xml"}}}).status().message()),
              HasSubstr("format=xml is not known; it is one of html, json, text"));
}

TEST(DurationParameter, IsZeroWhereItIsMissingAndAnErrorWhereItIsNone) {
  EXPECT_EQ(*ParseDurationParameter({}, "min_age"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDurationParameter({.query = {{"min_age", "1.5s"}}}, "min_age"),
            absl::Milliseconds(1500));
  EXPECT_THAT(
      std::string(
          ParseDurationParameter({.query = {{"min_age", "old"}}}, "min_age").status().message()),
      HasSubstr("min_age=old is no duration"));
}

TEST(FormatAge, HasThreeDigitsAfterThePoint) {
  EXPECT_EQ(FormatAge(1'204'567'891), "1.204s");
  EXPECT_EQ(FormatAge(2'345'678), "2.345ms");
  EXPECT_EQ(FormatAge(0), "0");
}

TEST(FormatDeadline, SaysWhetherItIsOver) {
  EXPECT_EQ(FormatDeadline(INT64_MAX), "-");
  EXPECT_EQ(FormatDeadline(796'000'000), "796ms");
  EXPECT_EQ(FormatDeadline(-5'000'000), "over by 5ms");
}

TEST(FormatInstant, IsUtcWithMilliseconds) {
  EXPECT_EQ(FormatInstant(absl::FromUnixMillis(1'795'262'584'123)), "2026-11-21 12:03:04.123");
}

TEST(FormatBytes, GrowsItsUnit) {
  EXPECT_EQ(FormatBytes(812), "812 B");
  EXPECT_EQ(FormatBytes(4096), "4.0 KiB");
  EXPECT_EQ(FormatBytes(3.5 * 1024 * 1024), "3.5 MiB");
}

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCell) {
  std::string text;
  AppendTextTable({{"A", "B", "C"}, {"long cell", "µ", "x"}}, &text);
  EXPECT_EQ(text, "A          B  C\nlong cell  µ  x\n");
}

}  // namespace
}  // namespace weft::app
