#include "platform/rpc/internal/channel_retries.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace weft::rpc::internal {
namespace {

std::optional<absl::Duration> FailedOnce(const FailedAttempt& attempt, RetryPolicy policy = {}) {
  ChannelRetries retries(std::move(policy), 1);
  int backoffs = 0;
  return retries.Failed(attempt, &backoffs);
}

TEST(Backoff, IsRandomBelowABoundThatGrowsUpToItsMaximum) {
  const RetryPolicy policy = {.initial_backoff = absl::Milliseconds(100),
                              .max_backoff = absl::Milliseconds(300),
                              .backoff_multiplier = 2};
  EXPECT_EQ(JitteredBackoff(policy, 0, 0), absl::ZeroDuration());
  EXPECT_EQ(JitteredBackoff(policy, 0, 0.5), absl::Milliseconds(50));
  EXPECT_EQ(JitteredBackoff(policy, 1, 0.5), absl::Milliseconds(100));
  EXPECT_EQ(JitteredBackoff(policy, 2, 0.5), absl::Milliseconds(150));
  EXPECT_EQ(JitteredBackoff(policy, 5000, 0.5), absl::Milliseconds(150)) << "beyond any double";
}

TEST(Backoff, SpreadsEvenlyAndTheSameForTheSameSeed) {
  constexpr int kCalls = 10'000;
  const RetryPolicy policy = {.budget_ratio = 1};
  ChannelRetries one(policy, 7);
  ChannelRetries same(policy, 7);
  ChannelRetries other(policy, 8);
  std::vector<int> tenths(10);
  int equal_to_other = 0;
  for (int i = 0; i < kCalls; ++i) {
    int backoffs = 0;
    int backoffs_of_same = 0;
    int backoffs_of_other = 0;
    const auto wait = one.Failed({}, &backoffs);
    ASSERT_TRUE(wait.has_value());
    EXPECT_EQ(same.Failed({}, &backoffs_of_same), wait);
    if (other.Failed({}, &backoffs_of_other) == wait) ++equal_to_other;
    for (ChannelRetries* retries : {&one, &same, &other}) retries->Succeeded();
    const double part = absl::FDivDuration(*wait, policy.initial_backoff);
    ASSERT_GE(part, 0);
    ASSERT_LT(part, 1);
    ++tenths[static_cast<size_t>(part * 10)];
  }
  for (const int count : tenths) EXPECT_NEAR(count, kCalls / 10, 150) << "five deviations";
  EXPECT_LT(equal_to_other, 10);
}

TEST(Pushback, IsAWholeNumberOfMillisecondsFromZeroUp) {
  EXPECT_EQ(ParsePushback("0"), absl::ZeroDuration());
  EXPECT_EQ(ParsePushback("1500"), absl::Milliseconds(1500));
  EXPECT_EQ(ParsePushback("-1"), std::nullopt);
  EXPECT_EQ(ParsePushback(""), std::nullopt);
  EXPECT_EQ(ParsePushback("soon"), std::nullopt);
  EXPECT_EQ(ParsePushback("1.5"), std::nullopt);
  EXPECT_EQ(ParsePushback("99999999999999999999"), std::nullopt);
}

TEST(Pushback, SetsTheWaitAndTheBackoffBeginsAnew) {
  ChannelRetries retries({.max_attempts = 5}, 1);
  int backoffs = 0;
  ASSERT_TRUE(retries.Failed({.number = 1}, &backoffs).has_value());
  ASSERT_TRUE(retries.Failed({.number = 2}, &backoffs).has_value());
  EXPECT_EQ(backoffs, 2);
  EXPECT_EQ(retries.Failed({.number = 3, .pushback = "70"}, &backoffs), absl::Milliseconds(70));
  EXPECT_EQ(backoffs, 0);
}

TEST(Pushback, MakesResourceExhaustedRetryableAndOthersNot) {
  EXPECT_EQ(FailedOnce({.code = absl::StatusCode::kResourceExhausted, .pushback = "5"}),
            absl::Milliseconds(5));
  EXPECT_EQ(FailedOnce({.code = absl::StatusCode::kResourceExhausted}), std::nullopt);
  EXPECT_EQ(FailedOnce({.code = absl::StatusCode::kResourceExhausted, .pushback = "-1"}),
            std::nullopt);
  EXPECT_EQ(FailedOnce({.code = absl::StatusCode::kNotFound, .pushback = "5"}), std::nullopt);
}

// A6: what is no whole number means the same as a negative one.
TEST(Pushback, AnythingButDigitsMeansNotAgain) {
  for (const char* text : {"-0", "+5", " 5", "5 ", "", "5ms", "9223372036854775808"}) {
    EXPECT_EQ(ParsePushback(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParsePushback("0"), absl::ZeroDuration());
  EXPECT_EQ(ParsePushback("007"), absl::Milliseconds(7));
}

TEST(Decision, FollowsCodeMethodAndNumber) {
  EXPECT_TRUE(FailedOnce({}).has_value());
  EXPECT_EQ(FailedOnce({.code = absl::StatusCode::kInternal}), std::nullopt);
  EXPECT_TRUE(
      FailedOnce({.code = absl::StatusCode::kAborted}, {.codes = {absl::StatusCode::kAborted}})
          .has_value());
  EXPECT_TRUE(FailedOnce({.number = 2}).has_value());
  EXPECT_EQ(FailedOnce({.number = 3}), std::nullopt) << "of three";
  EXPECT_EQ(FailedOnce({}, {.max_attempts = 1}), std::nullopt);
  EXPECT_EQ(FailedOnce({.repeatable = false}), std::nullopt);
  EXPECT_TRUE(FailedOnce({.repeatable = false, .never_sent = true}).has_value());
  EXPECT_EQ(
      FailedOnce({.code = absl::StatusCode::kAborted, .repeatable = false, .never_sent = true},
                 {.codes = {absl::StatusCode::kAborted}}),
      std::nullopt)
      << "a code that is not gRPC's own for calls without a connection";
}

TEST(Decision, DeadlineExceededOfAnAttemptIsRetryableWhenAttemptsHaveTimeouts) {
  const FailedAttempt late = {.code = absl::StatusCode::kDeadlineExceeded};
  EXPECT_EQ(FailedOnce(late), std::nullopt);
  EXPECT_TRUE(FailedOnce(late, {.attempt_timeout = absl::Seconds(1)}).has_value());
}

TEST(RetryBudget, StopsAtHalfAndGoesOnWhenSuccessesHaveFilledIt) {
  RetryBudget budget(10, 0.1);
  budget.Earn();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(budget.Spend()) << i << ": a full one cannot overflow";
  EXPECT_FALSE(budget.Spend()) << "5 left: half";
  for (int i = 0; i < 10; ++i) budget.Earn();
  EXPECT_FALSE(budget.Spend()) << "6 less 1";
  for (int i = 0; i < 11; ++i) budget.Earn();
  EXPECT_TRUE(budget.Spend()) << "6.1 less 1";
}

TEST(RetryBudget, AFailureThatIsNotRetriedSpendsToo) {
  ChannelRetries retries({}, 1);
  int backoffs = 0;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(retries.Failed({.pushback = "-1"}, &backoffs), std::nullopt);
  }
  EXPECT_EQ(retries.Failed({}, &backoffs), std::nullopt);
}

TEST(RetryBudget, TellsWhatIsLeftAndWhatWasNotSentForWantOfIt) {
  ChannelRetries retries({.budget_tokens = 4}, 1);
  EXPECT_EQ(retries.BudgetStats().left, 1);
  int backoffs = 0;
  EXPECT_NE(retries.Failed({}, &backoffs), std::nullopt);
  EXPECT_EQ(retries.BudgetStats().left, 0.75);
  EXPECT_EQ(retries.BudgetStats().exhausted_total, 0u);
  EXPECT_EQ(retries.Failed({}, &backoffs), std::nullopt);
  EXPECT_FALSE(retries.TakeHedge());
  EXPECT_EQ(retries.BudgetStats().exhausted_total, 2u);
  // What would not have been sent again anyway does not count.
  EXPECT_EQ(retries.Failed({.repeatable = false}, &backoffs), std::nullopt);
  EXPECT_EQ(retries.Failed({.number = 3}, &backoffs), std::nullopt);
  EXPECT_EQ(retries.BudgetStats().exhausted_total, 2u);
}

// Attempts a call, when each attempt fails with this chance.
double Amplification(double failing, uint64_t seed) {
  constexpr int kCalls = 20'000;
  ChannelRetries retries({.max_attempts = kMaxAttempts}, seed);
  std::mt19937_64 random(seed);
  std::bernoulli_distribution fails(failing);
  int attempts = 0;
  for (int i = 0; i < kCalls; ++i) {
    int backoffs = 0;
    for (int number = 1;; ++number) {
      ++attempts;
      if (!fails(random)) {
        retries.Succeeded();
        break;
      }
      if (!retries.Failed({.number = number}, &backoffs).has_value()) break;
    }
  }
  return static_cast<double>(attempts) / kCalls;
}

TEST(RetryBudget, AmplificationStaysBelowItsBoundWhateverShareFails) {
  double worst = 0;
  for (int percent = 0; percent <= 100; ++percent) {
    worst = std::max(worst, Amplification(percent / 100.0, static_cast<uint64_t>(percent)));
  }
  EXPECT_LT(worst, 1.1 + 5.0 / 20'000);
  EXPECT_GT(worst, 1.05) << "the model retries nothing";
  EXPECT_GT(Amplification(0.05, 1), 1.04) << "few failures are all retried";
}

TEST(RetryPolicy, IsRefusedWithTheNameOfTheFieldThatIsWrong) {
  const auto refused = [](const RetryPolicy& policy) {
    const absl::Status status = Validate(policy);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(Validate(RetryPolicy{}), absl::OkStatus());
  EXPECT_EQ(refused({.max_attempts = 0}), "retry.max_attempts must be from 1 to 5");
  EXPECT_EQ(refused({.max_attempts = 6}), "retry.max_attempts must be from 1 to 5");
  EXPECT_EQ(refused({.initial_backoff = absl::Seconds(-1)}),
            "retry.initial_backoff must be 0 or more");
  EXPECT_EQ(refused({.initial_backoff = absl::Seconds(2)}),
            "retry.max_backoff must be initial_backoff or more");
  EXPECT_EQ(refused({.max_backoff = absl::InfiniteDuration()}), "retry.max_backoff must be finite");
  EXPECT_EQ(refused({.backoff_multiplier = 0.5}),
            "retry.backoff_multiplier must be a number from 1 up");
  EXPECT_EQ(refused({.codes = {absl::StatusCode::kOk}}), "retry.codes must be without OK");
  EXPECT_EQ(refused({.attempt_timeout = absl::ZeroDuration()}),
            "retry.attempt_timeout must be above 0");
  EXPECT_EQ(refused({.budget_tokens = 0}), "retry.budget_tokens must be above 0, up to 1000");
  EXPECT_EQ(refused({.budget_ratio = 0}), "retry.budget_ratio must be from 0.001 to 1");
}

}  // namespace
}  // namespace weft::rpc::internal
