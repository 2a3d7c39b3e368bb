#include "platform/rpc/admission/token_buckets.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace weft::rpc {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(TokenBuckets, GiveTheBurstAndThenTheRate) {
  TokenBuckets buckets(/*per_second=*/10, /*burst=*/3, 100);
  int64_t now = 5 * kSecond;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.Take("a", now), 0);
  EXPECT_EQ(buckets.Take("a", now), kSecond / 10);
  now += kSecond / 10 - 1;
  EXPECT_EQ(buckets.Take("a", now), 1);
  ++now;
  EXPECT_EQ(buckets.Take("a", now), 0);
  EXPECT_GT(buckets.Take("a", now), 0);
}

TEST(TokenBuckets, FillUpToTheBurstOnly) {
  TokenBuckets buckets(10, 3, 100);
  EXPECT_EQ(buckets.Take("a", 0), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.Take("a", 1000 * kSecond), 0);
  EXPECT_GT(buckets.Take("a", 1000 * kSecond), 0);
}

TEST(TokenBuckets, AreOfEachKeyItsOwn) {
  TokenBuckets buckets(10, 1, 100);
  EXPECT_EQ(buckets.Take("a", 0), 0);
  EXPECT_EQ(buckets.Take("b", 0), 0);
  EXPECT_GT(buckets.Take("a", 0), 0);
}

TEST(TokenBuckets, WhatIsRefusedTakesNothing) {
  TokenBuckets buckets(10, 1, 100);
  EXPECT_EQ(buckets.Take("a", 0), 0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(buckets.Take("a", 0), kSecond / 10);
}

// In any span of time at most burst + rate * time tokens, and all of them to who asks often enough.
TEST(TokenBuckets, KeepTheirRateWhateverTheTimes) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    TokenBuckets buckets(100, 5, 100);
    int64_t now = 0;
    int taken = 0;
    for (int i = 0; i < 5000; ++i) {
      now += std::uniform_int_distribution<int64_t>(0, 4'000'000)(random);
      if (buckets.Take("a", now) == 0) ++taken;
    }
    const double possible = 5 + 100 * static_cast<double>(now) / 1e9;
    EXPECT_LE(taken, possible + 1) << "seed " << seed;
    EXPECT_GE(taken, possible * 0.95) << "seed " << seed;
  }
}

TEST(TokenBuckets, ATableThatIsFullForgetsWhoIsSilentAndNobodyElse) {
  TokenBuckets buckets(10, 2, /*max_keys=*/3);
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_EQ(buckets.Take(key, 0), 0);
    EXPECT_EQ(buckets.Take(key, 0), 0);
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(buckets.Take("not kept", 0), 0);
  EXPECT_GT(buckets.Take("a", 0), 0);
  EXPECT_EQ(buckets.size(), 3u);
  const int64_t later = kSecond;
  EXPECT_EQ(buckets.Take("d", later), 0);
  EXPECT_EQ(buckets.size(), 1u);
}

}  // namespace
}  // namespace weft::rpc
