#include "platform/rpc/auth/token_cache.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace weft::rpc::internal {
namespace {

std::shared_ptr<const Claims> Of(const std::string& subject) {
  auto claims = std::make_shared<Claims>();
  claims->subject = subject;
  return claims;
}

TEST(TokenCache, FindsWhatWasAddedUntilItIsCleared) {
  TokenCache cache(4);
  EXPECT_EQ(cache.Find("a"), nullptr);
  cache.Add("a", Of("ann"));
  cache.Add("b", Of("ben"));
  EXPECT_EQ(cache.Find("a")->subject, "ann");
  EXPECT_EQ(cache.Find("b")->subject, "ben");
  cache.Clear();
  EXPECT_EQ(cache.Find("a"), nullptr);
}

TEST(TokenCache, IsBoundedAndKeepsWhatIsInUse) {
  constexpr size_t kCapacity = 100;
  TokenCache cache(kCapacity);
  cache.Add("busy", Of("ann"));
  for (int i = 0; i < 10'000; ++i) {
    cache.Add(absl::StrCat("once", i), Of("ben"));
    ASSERT_LE(cache.size(), kCapacity);
    ASSERT_NE(cache.Find("busy"), nullptr) << i;
  }
  EXPECT_EQ(cache.Find("once0"), nullptr);
  EXPECT_NE(cache.Find("once9999"), nullptr);
}

TEST(TokenCache, CapacityOfZeroKeepsNothing) {
  TokenCache cache(0);
  cache.Add("a", Of("ann"));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace weft::rpc::internal
