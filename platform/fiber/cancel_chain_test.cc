// Why a scope was cancelled, as chain() tells programs and status() people.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// The scopes of a chain, origin first, with '*' where there is a detail.
std::string Scopes(const std::vector<CancelReason>& chain) {
  std::string text;
  for (const CancelReason& reason : chain) {
    text += std::string(text.empty() ? "" : " ") + std::string(reason.scope) +
            (reason.detail.empty() ? "" : "*");
  }
  return text;
}

TEST(CancelChain, IsEmptyUntilCancelled) {
  TestRuntime().Run([] {
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(1), .name = "offer"});
    EXPECT_TRUE(scope.chain().empty());
    EXPECT_TRUE(scope.status().ok());
  });
}

TEST(CancelChain, OfACancelledScopeIsTheScope) {
  TestRuntime().Run([] {
    CancelScope scope;
    const absl::Time cancelled_at = weft::Now();
    scope.Cancel(CancelCause::kOverload, "queue full");
    EXPECT_TRUE(weft::SleepFor(absl::ZeroDuration()).code() == absl::StatusCode::kCancelled);
    ASSERT_EQ(scope.chain().size(), 1u);
    const CancelReason reason = scope.chain()[0];
    EXPECT_EQ(reason.cause, CancelCause::kOverload);
    EXPECT_EQ(reason.scope, "");
    EXPECT_EQ(reason.detail, "queue full");
    EXPECT_EQ(reason.when, cancelled_at);
    EXPECT_EQ(Message(scope.status()), "cancelled: overload: queue full");
  });
}

TEST(CancelChain, LeadsFromTheOriginThroughGroupsAndFibersToTheScopeItself) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    internal::RootScope call(kNeverNanos, "shop.v1.Shop/Get");
    absl::Status slept;
    std::vector<CancelReason> chain;
    const auto handler = [&] {
      TaskGroup prices({.name = "prices"});
      prices.Spawn([&] {
        CancelScope unnamed;
        CancelScope row({.name = "row"});
        slept = weft::SleepFor(absl::Hours(1));
        chain = row.chain();
      });
      prices.Wait().IgnoreError();
    };
    struct Body final : internal::FiberBody {
      explicit Body(const decltype(handler)& h) : run(h) {}
      void Run() override { run(); }
      void Finished() override { finished = true; }
      const decltype(handler)& run;
      bool finished = false;
    } body(handler);
    ASSERT_TRUE(internal::StartFiber(body, {.name = "call", .scope = &call}));
    ASSERT_TRUE(weft::SleepFor(absl::Seconds(3)).ok());
    call.Cancel(CancelCause::kClientGone, "connection reset");
    while (!body.finished) Yield();

    EXPECT_EQ(Scopes(chain), "shop.v1.Shop/Get* prices  row");
    for (const CancelReason& reason : chain) {
      EXPECT_EQ(reason.cause, CancelCause::kClientGone);
      EXPECT_EQ(reason.when, start + absl::Seconds(3));
    }
    EXPECT_EQ(chain[0].detail, "connection reset");
    EXPECT_EQ(Message(slept),
              "cancelled: client gone: connection reset [shop.v1.Shop/Get > prices > row] (while "
              "sleeping)");
  });
}

TEST(CancelChain, NamesTheSiblingThatFailedAndHow) {
  TestRuntime().Run([] {
    TaskGroup offer({.name = "offer"});
    auto price = offer.Spawn("price", [] {
      TaskGroup retry({.name = "retry"});
      auto attempt = retry.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
      retry.Wait().IgnoreError();
      return attempt.status();
    });
    offer.Spawn("stock", [] {
      Yield();
      return absl::NotFoundError("no sku 7");
    });
    EXPECT_EQ(offer.Wait(), absl::NotFoundError("no sku 7"));
    EXPECT_EQ(Message(price.status()),
              "cancelled: sibling failed: task 'stock': NOT_FOUND: no sku 7 [offer > retry] (while "
              "sleeping)");
    EXPECT_EQ(Scopes(offer.scope().chain()), "offer*");
  });
}

TEST(CancelChain, OfAScopeEnteredAfterwardsIsTheSame) {
  TestRuntime().Run([] {
    CancelScope outer({.name = "outer"});
    const absl::Time cancelled_at = weft::Now();
    outer.Cancel(CancelCause::kDrain, "rollout");
    {
      CancelScope shield({.shield = true});
      ASSERT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
    }
    CancelScope later({.name = "later"});
    EXPECT_EQ(Scopes(later.chain()), "outer* later");
    EXPECT_EQ(later.chain()[1].when, cancelled_at);
    EXPECT_EQ(Message(later.status()), "cancelled: drain: rollout [outer > later]");
  });
}

TEST(CancelChain, AShieldIsWhereItEnds) {
  TestRuntime().Run([] {
    CancelScope outer({.name = "outer"});
    CancelScope shield({.shield = true, .name = "shield"});
    CancelScope inner({.name = "inner"});
    outer.Cancel(CancelCause::kDrain);
    EXPECT_TRUE(inner.chain().empty());
    shield.Cancel(CancelCause::kOverload);
    EXPECT_EQ(Scopes(inner.chain()), "shield inner");
    EXPECT_EQ(inner.cause(), CancelCause::kOverload);
  });
}

// --- Deadlines ---------------------------------------------------------------------------------

TEST(CancelChain, OfADeadlineBeginsWhereItWasSet) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope outer({.deadline = start + absl::Seconds(2), .name = "outer"});
    CancelScope middle({.deadline = start + absl::Seconds(9), .name = "middle"});
    {
      CancelScope early({.deadline = start + absl::Seconds(1), .name = "early"});
      CancelScope inner({.name = "inner"});
      EXPECT_EQ(Message(weft::SleepFor(absl::Hours(1))),
                "the deadline of the cancel scope has passed [early > inner] (while sleeping)");
      EXPECT_EQ(Scopes(inner.chain()), "early inner");
      EXPECT_EQ(inner.chain()[1].when, start + absl::Seconds(1));
      EXPECT_TRUE(middle.chain().empty());
    }
    EXPECT_EQ(Message(weft::SleepFor(absl::Hours(1))),
              "the deadline of the cancel scope has passed [outer > middle] (while sleeping)");
    EXPECT_EQ(Scopes(middle.chain()), "outer middle");
    EXPECT_EQ(middle.chain()[0].when, start + absl::Seconds(2));
  });
}

// Whether somebody has parked since or not.
TEST(CancelChain, OfADeadlineIsTheSameSeenAndUnseen) {
  TestRuntime runtime;
  runtime.Run([&] {
    const absl::Time deadline = weft::Now() + absl::Seconds(1);
    CancelScope outer({.deadline = deadline, .name = "outer"});
    CancelScope same({.deadline = deadline, .name = "same"});
    CancelScope inner({.name = "inner"});
    runtime.clock().Advance(absl::Seconds(5));
    for (const bool seen : {false, true}) {
      EXPECT_TRUE(!seen || !weft::SleepFor(absl::Hours(1)).ok());
      EXPECT_EQ(Scopes(inner.chain()), "outer same inner");
      for (const CancelReason& reason : inner.chain()) EXPECT_EQ(reason.when, deadline);
      EXPECT_EQ(inner.cause(), CancelCause::kDeadline);
    }
    CancelScope later({.name = "later"});
    EXPECT_EQ(Scopes(later.chain()), "outer same inner later");
  });
}

TEST(CancelChain, ADeadlineThatPassedUnseenBeatsALaterCancel) {
  TestRuntime runtime;
  runtime.Run([&] {
    CancelScope outer({.name = "outer"});
    CancelScope timed({.deadline = weft::Now() + absl::Seconds(1), .name = "timed"});
    CancelScope inner({.name = "inner"});
    runtime.clock().Advance(absl::Seconds(2));
    outer.Cancel(CancelCause::kDrain, "rollout");
    EXPECT_EQ(outer.cause(), CancelCause::kDrain);
    EXPECT_EQ(Scopes(inner.chain()), "timed inner");
    EXPECT_EQ(inner.cause(), CancelCause::kDeadline);
    CancelScope apart({.deadline = weft::Now() - absl::Seconds(1), .shield = true});
    apart.Cancel(CancelCause::kDrain, "rollout");
    EXPECT_EQ(Message(apart.status()), "the deadline of the cancel scope has passed");
  });
}

TEST(CancelChain, ACancelInsideAScopeWhoseDeadlinePassedUnseenIsThatDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    CancelScope timed({.deadline = weft::Now() + absl::Seconds(1), .name = "timed"});
    CancelScope inner({.name = "inner"});
    runtime.clock().Advance(absl::Seconds(2));
    inner.Cancel(CancelCause::kByHand, "too late");
    EXPECT_EQ(Scopes(inner.chain()), "timed inner");
    EXPECT_EQ(Message(inner.status()),
              "the deadline of the cancel scope has passed [timed > inner]");
  });
}

TEST(CancelChain, ADeadlineSaidByHandHasItsDetail) {
  TestRuntime().Run([] {
    CancelScope scope({.deadline = weft::Now() + absl::Hours(1), .name = "call"});
    scope.Cancel(CancelCause::kDeadline, "the client gave up at its deadline");
    EXPECT_EQ(scope.status(),
              absl::DeadlineExceededError("the client gave up at its deadline [call]"));
  });
}

TEST(CancelChain, OfAnInnerCancelDoesNotChangeWhenTheOuterScopeFollows) {
  TestRuntime().Run([] {
    CancelScope outer({.name = "outer"});
    CancelScope inner({.name = "inner"});
    CancelScope innermost({.name = "innermost"});
    inner.Cancel(CancelCause::kByHand, "first");
    outer.Cancel(CancelCause::kDrain, "second");
    EXPECT_EQ(Scopes(innermost.chain()), "inner* innermost");
    EXPECT_EQ(Scopes(outer.chain()), "outer*");
    EXPECT_EQ(innermost.cause(), CancelCause::kByHand);
  });
}

// --- Bounds ------------------------------------------------------------------------------------

TEST(CancelChain, ALongDetailIsCutBetweenCharacters) {
  TestRuntime().Run([] {
    std::string detail(CancelScope::kMaxDetailBytes - 1, 'x');
    detail += "ü and more";  // Two bytes, of which one would fit.
    CancelScope scope;
    scope.Cancel(CancelCause::kByHand, detail);
    EXPECT_EQ(scope.chain()[0].detail, std::string(CancelScope::kMaxDetailBytes - 1, 'x') + "…");
    CancelScope shield({.shield = true});
    shield.Cancel(CancelCause::kByHand, detail.substr(0, CancelScope::kMaxDetailBytes - 1));
    EXPECT_EQ(shield.chain()[0].detail, detail.substr(0, CancelScope::kMaxDetailBytes - 1));
  });
}

TEST(CancelChain, OfManyNamesTheMiddleIsLeftOutOfTheLine) {
  static constexpr const char* kNames[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  TestRuntime().Run([] {
    std::vector<std::unique_ptr<CancelScope>> scopes;
    const auto enter = [&scopes](size_t count) {
      while (scopes.size() < count) {
        scopes.push_back(
            std::make_unique<CancelScope>(CancelScope::Options{.name = kNames[scopes.size()]}));
      }
    };
    enter(8);
    scopes[0]->Cancel();
    EXPECT_EQ(Message(scopes.back()->status()),
              "cancelled: by hand [a > b > c > d > e > f > g > h]");
    enter(9);
    EXPECT_EQ(Message(scopes.back()->status()),
              "cancelled: by hand [a > b > c > d > … > g > h > i]");
    enter(10);
    EXPECT_EQ(Message(scopes.back()->status()),
              "cancelled: by hand [a > b > c > d > … > h > i > j]");
    EXPECT_EQ(scopes.back()->chain().size(), 10u);
    while (!scopes.empty()) scopes.pop_back();
  });
}

// A recursion for each of them would not fit the fiber's stack.
TEST(CancelChain, ReachesScopesNestedAHundredThousandDeep) {
  TestRuntime({.stack_bytes = 64 * 1024}).Run([] {
    std::vector<std::unique_ptr<CancelScope>> scopes;
    for (int i = 0; i < 100'000; ++i) scopes.push_back(std::make_unique<CancelScope>());
    scopes[0]->Cancel(CancelCause::kDrain, "rollout");
    EXPECT_EQ(scopes.back()->cause(), CancelCause::kDrain);
    EXPECT_EQ(Message(weft::SleepFor(absl::Hours(1))),
              "cancelled: drain: rollout (while sleeping)");
    EXPECT_EQ(scopes.back()->chain().size(), scopes.size());
    while (!scopes.empty()) scopes.pop_back();
  });
}

// --- Counted -----------------------------------------------------------------------------------

TEST(CancelCounts, EachCancellationIsCountedOnceWhereItBegan) {
  TestRuntime runtime;
  runtime.Run([&runtime] {
    const auto count = [&runtime](CancelCause cause) {
      return runtime.runtime().Stats()[0].scopes_cancelled_total[static_cast<size_t>(cause)];
    };
    const absl::Time start = weft::Now();
    TaskGroup group({.deadline = start + absl::Seconds(1)});
    for (int i = 0; i < 3; ++i) {
      group.Spawn([start] {
        CancelScope same({.deadline = start + absl::Seconds(1)});
        CancelScope inside;
        EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
        EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(count(CancelCause::kDeadline), 1u);

    CancelScope outer;
    CancelScope inner;
    outer.Cancel(CancelCause::kDrain);
    outer.Cancel(CancelCause::kDrain);
    inner.Cancel(CancelCause::kByHand);
    CancelScope later;
    EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
    EXPECT_EQ(count(CancelCause::kDrain), 1u);
    EXPECT_EQ(count(CancelCause::kByHand), 0u);
    EXPECT_EQ(count(CancelCause::kNone), 0u);
  });
}

// --- Words -------------------------------------------------------------------------------------

TEST(CancelCause, EveryOneHasAnEnglishNameAndALabel) {
  std::set<std::string> labels;
  for (size_t i = 0; i < kCancelCauses; ++i) {
    const auto cause = static_cast<CancelCause>(i);
    EXPECT_NE(CancelCauseName(cause), "unknown");
    labels.emplace(CancelCauseLabel(cause));
    EXPECT_EQ(CancelCauseLabel(cause).find(' '), absl::string_view::npos);
  }
  EXPECT_EQ(labels.size(), kCancelCauses);
  EXPECT_EQ(CancelCauseName(CancelCause::kSiblingSucceeded), "sibling succeeded");
  EXPECT_EQ(CancelCauseLabel(CancelCause::kClientGone), "client_gone");
  EXPECT_EQ(CancelCauseName(static_cast<CancelCause>(kCancelCauses)), "unknown");
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(CancelScopeDeathTest, IsCancelledForACause) {
  EXPECT_DEATH(TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel(CancelCause::kNone);
  }),
               "a CancelScope is cancelled for a cause");
}
#endif

}  // namespace
}  // namespace weft
