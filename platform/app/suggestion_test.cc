#include "platform/app/suggestion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::app {
namespace {

const std::vector<std::string>& Names() {
  static const auto& names =
      *new std::vector<std::string>{"grpc.listen", "admin.listen", "shards", "drain.timeout"};
  return names;
}

TEST(DidYouMean, CloseNameIsOffered) {
  EXPECT_EQ(DidYouMean("shads", Names()), "; did you mean \"shards\"?");
  EXPECT_EQ(DidYouMean("drain.timout", Names()), "; did you mean \"drain.timeout\"?");
  EXPECT_EQ(DidYouMean("admin.listn", Names(), "--"), "; did you mean \"--admin.listen\"?");
}

TEST(DidYouMean, LastPartsAreEnough) {
  EXPECT_EQ(DidYouMean("timeout", Names()), "; did you mean \"drain.timeout\"?");
}

TEST(DidYouMean, DistantEmptyAndEndlessNamesAreNotOffered) {
  EXPECT_EQ(DidYouMean("database", Names()), "");
  EXPECT_EQ(DidYouMean("", Names()), "");
  EXPECT_EQ(DidYouMean(std::string(1'000'000, 's'), Names()), "");
  EXPECT_EQ(DidYouMean("shards", {}), "");
}

}  // namespace
}  // namespace weft::app
