// Hedged calls, against a real server over a connection. When the hedge comes by itself is tested
// in internal/hedge_delay_test.cc.
#include <gtest/gtest.h>

#include <string>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/retry_suite.h"

namespace weft::rpc {
namespace {

// Both attempts leave at nearly the same time, so the second may come first.
bool IsHedge(const CallContext& call) {
  return call.metadata().Find("grpc-previous-rpc-attempts").has_value();
}

class HedgeTest : public RetryTest {
 protected:
  // At once, as nothing here takes long by itself.
  const RetryPolicy kAtOnce = {.initial_backoff = absl::ZeroDuration(),
                               .max_backoff = absl::ZeroDuration(),
                               .hedge_delay = absl::Nanoseconds(1)};
  RetryPolicy AtOnceAndNoRetry() const {
    RetryPolicy policy = kAtOnce;
    policy.codes.clear();
    return policy;
  }
};

TEST_F(HedgeTest, TheHedgeWinsWhereTheFirstAttemptHangs) {
  absl::Status first = absl::UnknownError("not ended");
  Event first_runs;
  Serve([&](CallContext& call, int) {
    if (IsHedge(call)) {
      call.AddTrailingMetadata("from", "hedge");
      return first_runs.Wait();
    }
    first_runs.Set();
    return first = Hang();
  });
  Metadata trailing;
  EXPECT_EQ(Call(kFind, kAtOnce, {.trailing_metadata = &trailing}), absl::OkStatus());
  EXPECT_EQ(flaky_->runs, 2);
  EXPECT_EQ(trailing.entries(), (Metadata{{"from", "hedge"}}.entries()));
  EXPECT_TRUE(server_->Shutdown({}).ok());  // waits for the first handler
  EXPECT_EQ(first.code(), absl::StatusCode::kCancelled);
}

TEST_F(HedgeTest, TheFirstAttemptWinsWhereTheHedgeHangs) {
  Event hedge_runs;
  Serve([&](CallContext& call, int) {
    if (!IsHedge(call)) return hedge_runs.Wait();
    hedge_runs.Set();
    return Hang();
  });
  EXPECT_EQ(Call(kFind, kAtOnce), absl::OkStatus());
  EXPECT_EQ(flaky_->runs, 2);
}

TEST_F(HedgeTest, InterceptorsHearOfOneCallAndOfEachAttempt) {
  Serve([&](CallContext& call, int) { return IsHedge(call) ? absl::OkStatus() : Hang(); });
  EXPECT_EQ(Call(kFind, kAtOnce), absl::OkStatus());
  EXPECT_EQ(log_,
            (Log{"call 1 of 0", "attempt 1 of 1", "attempt 2 of 1", "attempt 2: OK",
                 "attempt 1: CANCELLED, to be retried", "attempt 1: OK at last", "call 1: OK"}));
}

TEST_F(HedgeTest, NoneIsMadeBeforeItsTime) {
  Serve([](CallContext&, int) { return absl::OkStatus(); });
  RetryPolicy policy = kAtOnce;
  policy.hedge_delay = absl::Hours(1000);
  EXPECT_EQ(Call(kFind, policy), absl::OkStatus());
  EXPECT_EQ(flaky_->runs, 1);
  EXPECT_EQ(log_, (Log{"call 1 of 0", "attempt 1 of 1", "attempt 1: OK", "call 1: OK"}));
}

TEST_F(HedgeTest, NoneIsMadeOfOtherMethodsOrWhenSwitchedOff) {
  Serve([](CallContext&, int) {
    for (int i = 0; i < 100; ++i) weft::Yield();
    return absl::OkStatus();
  });
  EXPECT_EQ(Call(kGet, kAtOnce), absl::OkStatus());
  EXPECT_EQ(Call(kFind, kAtOnce, {.retry = false}), absl::OkStatus());
  RetryPolicy off = kAtOnce;
  off.hedge_delay = absl::InfiniteDuration();
  EXPECT_EQ(Call(kFind, off), absl::OkStatus());
  EXPECT_EQ(flaky_->runs, 3);
}

TEST_F(HedgeTest, AfterAFailureThatMayPassTheHedgeDecides) {
  Event hedge_runs;
  Event first_failed;
  Serve([&](CallContext& call, int) {
    if (!IsHedge(call)) {
      if (absl::Status s = hedge_runs.Wait(); !s.ok()) return s;
      call.AddTrailingMetadata(kRetryPushbackKey, "-1");  // Not to be sent again.
      first_failed.Set();
      return absl::UnavailableError("restarting");
    }
    hedge_runs.Set();
    if (absl::Status s = first_failed.Wait(); !s.ok()) return s;
    for (int i = 0; i < 100; ++i) weft::Yield();
    return absl::OkStatus();
  });
  EXPECT_EQ(Call(kFind, kAtOnce), absl::OkStatus());
  EXPECT_EQ(flaky_->runs, 2);
}

TEST_F(HedgeTest, AnAnswerThatIsFinalEndsTheHedge) {
  Event hedge_runs;
  absl::Status hedge = absl::UnknownError("not ended");
  Serve([&](CallContext& call, int) {
    if (!IsHedge(call)) {
      if (absl::Status s = hedge_runs.Wait(); !s.ok()) return s;
      return absl::NotFoundError("no such sku");
    }
    hedge_runs.Set();
    return hedge = Hang();
  });
  EXPECT_EQ(Call(kFind, kAtOnce).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(server_->Shutdown({}).ok());
  EXPECT_EQ(hedge.code(), absl::StatusCode::kCancelled);
}

TEST_F(HedgeTest, OfTwoFailuresTheFirstAttemptsIsTheCalls) {
  Event hedge_runs;
  Serve([&](CallContext& call, int) -> absl::Status {
    if (!IsHedge(call)) {
      if (absl::Status s = hedge_runs.Wait(); !s.ok()) return s;
      for (int i = 0; i < 100; ++i) weft::Yield();
      return absl::DataLossError("first");
    }
    hedge_runs.Set();
    return absl::NotFoundError("second");
  });
  EXPECT_EQ(Call(kFind, AtOnceAndNoRetry()).code(), absl::StatusCode::kDataLoss);
}

TEST_F(HedgeTest, ACancelledCallEndsBothAttempts) {
  Event hedge_runs;
  int cancelled = 0;
  Serve([&](CallContext&, int run) {
    if (run == 2) hedge_runs.Set();
    absl::Status status = Hang();
    if (status.code() == absl::StatusCode::kCancelled) ++cancelled;
    return status;
  });
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel = Open(kAtOnce);
    TaskGroup group;
    auto call = group.Spawn([&] { return Call(*channel, kFind); });
    EXPECT_TRUE(hedge_runs.Wait().ok());
    group.Cancel();
    group.Wait().IgnoreError();
    EXPECT_EQ(call.status().code(), absl::StatusCode::kCancelled);
  });
  EXPECT_TRUE(server_->Shutdown({}).ok());
  EXPECT_EQ(cancelled, 2);
}

TEST_F(HedgeTest, ADeadlineEndsBothAttempts) {
  Serve([](CallContext&, int) { return Hang(); });
  EXPECT_EQ(Call(kFind, kAtOnce, {.timeout = absl::Milliseconds(20)}).code(),
            absl::StatusCode::kDeadlineExceeded);
}

// Every call is slow, so that every one would be hedged; successes pay for one in ten.
TEST_F(HedgeTest, TheBudgetBoundsHedgesOfAServerThatIsSlow) {
  constexpr int kCalls = 300;
  int slow_runs = 0;
  Serve([&](CallContext&, int) {
    ++slow_runs;
    return weft::SleepFor(absl::Milliseconds(1));
  });
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel = Open(kAtOnce);
    for (int i = 0; i < kCalls; ++i) EXPECT_EQ(Call(*channel, kFind), absl::OkStatus());
  });
  EXPECT_GT(slow_runs, kCalls);
  // Half of the tokens, and a tenth of a token for each attempt that succeeded: of both at most.
  EXPECT_LE(slow_runs, kCalls + (5 + 0.1 * kCalls) / 0.9);
}

TEST_F(HedgeTest, TheDelayIsMeasuredWhenNoneIsSet) {
  bool slow = false;
  Serve([&](CallContext&, int run) { return slow && run == 21 ? Hang() : absl::OkStatus(); });
  RetryPolicy measured = kAtOnce;
  measured.hedge_delay = absl::ZeroDuration();
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel = Open(measured);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(Call(*channel, kFind), absl::OkStatus());
    EXPECT_EQ(flaky_->runs, 20) << "none is hedged before the latency is known";
    slow = true;
    EXPECT_EQ(Call(*channel, kFind), absl::OkStatus());
  });
  EXPECT_EQ(flaky_->runs, 22);
}

}  // namespace
}  // namespace weft::rpc
