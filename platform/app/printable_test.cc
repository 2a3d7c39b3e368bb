#include "platform/app/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::app {
namespace {

TEST(Printable, OrdinaryTextIsLeftAlone) {
  EXPECT_EQ(Printable("grpc.listen"), "grpc.listen");
  EXPECT_EQ(Printable("Größe"), "Größe");
  EXPECT_EQ(Printable(""), "");
}

TEST(Printable, ControlCharactersAndQuotesAreEscaped) {
  EXPECT_EQ(Printable("a\nb\"c\\\x1b"), "a\\nb\\\"c\\\\\\x1b");
  EXPECT_EQ(Printable(std::string(1, '\0')), "\\x00");
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(Printable(std::string(1000, 'x')), std::string(120, 'x') + "…");
  EXPECT_EQ(Printable(std::string(119, 'x') + "öö"), std::string(119, 'x') + "…");
  EXPECT_EQ(Printable(std::string(120, 'x')), std::string(120, 'x'));
}

}  // namespace
}  // namespace weft::app
