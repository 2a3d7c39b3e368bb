#include "platform/observability/logging/repeat_limit.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace weft::observability::internal {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr LogStatement kHere = {"shop.cc", 42};
constexpr LogStatement kThere = {"shop.cc", 43};

std::unique_ptr<RepeatLimit> MakeLimit(int64_t lines) {
  auto limit = std::make_unique<RepeatLimit>();
  limit->SetLinesPerSecond(lines);
  return limit;
}

// How many of `lines` at that time are written.
int Written(RepeatLimit& limit, const LogStatement& statement, int lines, int64_t now_nanos) {
  int written = 0;
  for (int i = 0; i < lines; ++i) written += limit.Admit(statement, now_nanos).has_value();
  return written;
}

TEST(RepeatLimit, AfterABurstSoManyASecondAreWritten) {
  const auto limit = MakeLimit(10);
  EXPECT_EQ(Written(*limit, kHere, 1000, 0), 200);
  EXPECT_EQ(Written(*limit, kHere, 1000, kSecond), 10);
  EXPECT_EQ(Written(*limit, kHere, 1000, 3 * kSecond), 20);
  EXPECT_EQ(limit->left_out_total(), 800u + 990u + 980u);
  EXPECT_EQ(Written(*limit, kHere, 1000, 1000 * kSecond), 200) << "a pause fills the bucket";
}

TEST(RepeatLimit, TheNextLineTellsHowManyWereLeftOut) {
  const auto limit = MakeLimit(10);
  EXPECT_EQ(Written(*limit, kHere, 250, 0), 200);
  EXPECT_EQ(limit->Admit(kHere, kSecond), 50u);
  EXPECT_EQ(limit->Admit(kHere, kSecond), 0u);
}

TEST(RepeatLimit, EachStatementHasItsOwn) {
  const auto limit = MakeLimit(10);
  EXPECT_EQ(Written(*limit, kHere, 1000, 0), 200);
  EXPECT_EQ(Written(*limit, kThere, 150, 0), 150);
  EXPECT_EQ(limit->Admit(kThere, 0), 0u);
}

TEST(RepeatLimit, ZeroAndUnlimitedStatementsHaveNoLimit) {
  const auto limit = MakeLimit(0);
  EXPECT_EQ(Written(*limit, kHere, 1000, 0), 1000);
  limit->SetLinesPerSecond(10);
  EXPECT_EQ(Written(*limit, kNoLogLimit, 1000, 0), 1000);
  EXPECT_EQ(limit->left_out_total(), 0u);
}

TEST(RepeatLimit, StatementsBeyondTheTableAreWritten) {
  const auto limit = MakeLimit(1);
  for (uint32_t line = 1; line <= 20 * kMaxLogStatements; ++line) {
    EXPECT_TRUE(limit->Admit({"made_up.cc", line}, 0).has_value()) << line;
  }
}

TEST(RepeatLimit, ThreadsShareABucket) {
  const auto limit = MakeLimit(10);
  std::atomic<int> written = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { written += Written(*limit, kHere, 1000, 0); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(written, 200);
  EXPECT_EQ(limit->left_out_total(), 3800u);
  EXPECT_EQ(limit->Admit(kHere, kSecond), 3800u);
}

}  // namespace
}  // namespace weft::observability::internal
