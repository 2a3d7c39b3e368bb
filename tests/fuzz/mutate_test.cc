#include "tests/fuzz/mutate.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace weft::fuzz {
namespace {

TEST(Mutate, SameSeedMakesTheSameInput) {
  const std::vector<std::string> corpus = {"traceparent: 00-01", "x=1&y=2"};
  std::set<std::string> inputs;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const std::string input = Mutate(corpus, seed);
    EXPECT_EQ(input, Mutate(corpus, seed)) << seed;
    inputs.insert(input);
  }
  EXPECT_GT(inputs.size(), 900u);
}

TEST(Mutate, InputsAreBounded) {
  const std::vector<std::string> corpus = {std::string(100'000, 'x')};
  for (uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_LE(Mutate(corpus, seed).size(), kMaxInputBytes);
  }
}

TEST(Mutate, EmptyInputGrows) {
  bool grew = false;
  for (uint64_t seed = 0; seed < 100; ++seed) grew |= !Mutate({""}, seed).empty();
  EXPECT_TRUE(grew);
}

}  // namespace
}  // namespace weft::fuzz
