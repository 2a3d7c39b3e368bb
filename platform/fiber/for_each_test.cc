#include "platform/fiber/for_each.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/fiber_local.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

std::vector<int> Numbers(int count) {
  std::vector<int> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// --- ForEach -----------------------------------------------------------------------------------

TEST(ForEach, CallsTheFunctionOnceForEachElementAndBoundsHowManyRun) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      for (const int max_concurrent : {1, 3, 10, 100}) {
        std::multiset<int> seen;
        int running = 0;
        int most = 0;
        const absl::Status status =
            ForEach(Numbers(30), {.max_concurrent = max_concurrent}, [&](int number) {
              most = std::max(most, ++running);
              EXPECT_TRUE(
                  weft::SleepFor(absl::Milliseconds((number * 7 + static_cast<int>(seed)) % 5 + 1))
                      .ok());
              --running;
              seen.insert(number);
            });
        EXPECT_TRUE(status.ok());
        EXPECT_EQ(seen.size(), 30u);
        EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 30u);
        EXPECT_EQ(most, std::min(max_concurrent, 30));
      }
    });
  });
}

TEST(ForEach, KeepsItsPlacesFilled) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    const std::vector<int> seconds = {10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    EXPECT_TRUE(ForEach(seconds, {.max_concurrent = 2}, [](int s) {
                  return weft::SleepFor(absl::Seconds(s));
                }).ok());
    EXPECT_EQ(weft::Now() - start, absl::Seconds(10));
  });
}

TEST(ForEach, ElementsAreTheRangesOwn) {
  TestRuntime().Run([] {
    std::list<std::unique_ptr<int>> owners;
    for (int i = 0; i < 5; ++i) owners.push_back(std::make_unique<int>(i));
    EXPECT_TRUE(ForEach(owners, {.max_concurrent = 2}, [](std::unique_ptr<int>& owner) {
                  *owner += 10;
                }).ok());
    EXPECT_EQ(*owners.back(), 14);
  });
}

TEST(ForEach, OfAnEmptyRangeIsOkAlsoInACancelledScope) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(ForEach(Numbers(0), {.max_concurrent = 2}, [](int) { FAIL(); }).ok());
  });
}

TEST(ForEach, TheFirstFailureCancelsTheRestAndNothingMoreBegins) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    std::vector<int> begun;
    absl::Status cancelled;
    const absl::Status status = ForEach(
        Numbers(100), {.max_concurrent = 3, .name = "warm"}, [&](int number) -> absl::Status {
          begun.push_back(number);
          if (number == 4) {
            if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
            return absl::NotFoundError("no sku 4");
          }
          if (number < 3) return weft::SleepFor(absl::Milliseconds(number));
          return cancelled = weft::SleepFor(absl::Hours(1));
        });
    EXPECT_EQ(status, absl::NotFoundError("no sku 4"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1) + absl::Milliseconds(1));
    EXPECT_EQ(begun, (std::vector<int>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(cancelled.message(),
              "cancelled: sibling failed: element 4: NOT_FOUND: no sku 4 [warm] (while sleeping)");
  });
}

TEST(ForEach, AnExceptionIsAFailure) {
  TestRuntime().Run([] {
    int calls = 0;
    EXPECT_EQ(ForEach(Numbers(10), {.max_concurrent = 2},
                      [&](int) {
                        ++calls;
                        throw std::runtime_error("boom");
                      }),
              absl::InternalError("a task threw an exception: boom"));
    EXPECT_EQ(calls, 1);
  });
}

TEST(ForEach, WaitForAllGivesEveryElementItsTurnAndReturnsTheFirstFailure) {
  TestRuntime().Run([] {
    int calls = 0;
    const absl::Status status =
        ForEach(Numbers(20), {.max_concurrent = 4, .on_failure = OnFailure::kWaitForAll},
                [&](int number) -> absl::Status {
                  ++calls;
                  const absl::Duration time = absl::Milliseconds(number == 9 ? 500 : 1000);
                  if (absl::Status s = weft::SleepFor(time); !s.ok()) return s;
                  if (number == 9) throw std::runtime_error("ninth");
                  return number == 11 ? absl::NotFoundError("11") : absl::OkStatus();
                });
    EXPECT_EQ(status, absl::InternalError("a task threw an exception: ninth"));
    EXPECT_EQ(calls, 20);
  });
}

TEST(ForEach, InACancelledScopeNothingBegins) {
  TestRuntime().Run([] {
    CancelScope scope({.name = "call"});
    scope.Cancel(CancelCause::kClientGone);
    EXPECT_EQ(ForEach(Numbers(3), {.max_concurrent = 2}, [](int) { FAIL(); }),
              absl::CancelledError("cancelled: client gone [call]"));
  });
}

TEST(ForEach, AtTheScopesDeadlineItStopsBeginning) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Milliseconds(2500)});
    int finished = 0;
    const absl::Status status = ForEach(Numbers(100), {.max_concurrent = 2}, [&](int) {
      CancelScope must_finish({.shield = true});
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
      ++finished;
    });
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(finished, 6);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
  });
}

TEST(ForEach, IsOkWhenTheDeadlineComesAfterTheLastElement) {
  TestRuntime().Run([] {
    CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(500)});
    EXPECT_TRUE(ForEach(Numbers(2), {.max_concurrent = 2}, [](int) {
                  CancelScope must_finish({.shield = true});
                  EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
                }).ok());
  });
}

TEST(ForEach, ARangeWithoutEndEndsWithItsScope) {
  TestRuntime().Run([] {
    CancelScope scope({.deadline = weft::Now() + absl::Seconds(10)});
    int ticks = 0;
    const absl::Status status =
        ForEach(std::views::iota(0), {.max_concurrent = 2}, [&](int) -> absl::Status {
          if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
          ++ticks;
          return absl::OkStatus();
        });
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_GE(ticks, 18);  // The ticks of the tenth second race with the deadline.
    EXPECT_LE(ticks, 20);
  });
}

TEST(ForEach, WithTooFewFibersFewerRunAtOnce) {
  for (const OnFailure policy : {OnFailure::kCancelSiblings, OnFailure::kWaitForAll}) {
    TestRuntime({.max_fibers_per_shard = 3}).Run([policy] {
      const absl::Time start = weft::Now();
      int calls = 0;
      EXPECT_TRUE(ForEach(Numbers(4), {.max_concurrent = 4, .on_failure = policy}, [&](int) {
                    ++calls;
                    return weft::SleepFor(absl::Seconds(1));
                  }).ok());
      EXPECT_EQ(calls, 4);
      EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
    });
    TestRuntime({.max_fibers_per_shard = 1}).Run([policy] {
      EXPECT_EQ(
          ForEach(Numbers(4), {.max_concurrent = 4, .on_failure = policy}, [](int) { FAIL(); })
              .code(),
          absl::StatusCode::kResourceExhausted);
    });
  }
}

TEST(ForEach, AThrowingIteratorIsAFailureWhateverThePolicy) {
  TestRuntime().Run([] {
    const std::vector<int> numbers = Numbers(5);
    auto range = numbers | std::views::filter([on_fiber = 0](int number) mutable {
                   if (number == 3 && ++on_fiber == 1) throw std::runtime_error("bad element");
                   return true;
                 });
    int calls = 0;
    EXPECT_EQ(ForEach(range, {.max_concurrent = 1, .on_failure = OnFailure::kWaitForAll},
                      [&](int) { ++calls; }),
              absl::InternalError("a task threw an exception: bad element"));
    EXPECT_EQ(calls, 2);
  });
}

TEST(ForEach, EachElementStartsWithACopyOfTheCallersFiberLocals) {
  static FiberLocal<int> local;
  TestRuntime().Run([] {
    local.Get() = 5;
    EXPECT_TRUE(ForEach(Numbers(10), {.max_concurrent = 3}, [](int number) {
                  EXPECT_EQ(local.Get(), 5);
                  local.Get() = number;
                }).ok());
    EXPECT_EQ(local.Get(), 5);
  });
}

// --- Map ---------------------------------------------------------------------------------------

TEST(Map, ReturnsTheValuesInTheOrderOfTheElements) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      const auto squares =
          Map(std::views::iota(0, 20), {.max_concurrent = 4},
              [](int number) -> absl::StatusOr<std::unique_ptr<int>> {
                if (absl::Status s = weft::SleepFor(absl::Milliseconds(number * 13 % 7)); !s.ok()) {
                  return s;
                }
                return std::make_unique<int>(number * number);
              });
      ASSERT_TRUE(squares.ok());
      ASSERT_EQ(squares->size(), 20u);
      for (size_t i = 0; i < 20; ++i) EXPECT_EQ(*(*squares)[i], static_cast<int>(i * i));
    });
  });
}

TEST(Map, FailsAsAWhole) {
  TestRuntime().Run([] {
    const auto mapped =
        Map(Numbers(10), {.max_concurrent = 2}, [](int number) -> absl::StatusOr<std::string> {
          if (number == 5) return absl::NotFoundError("5");
          return std::to_string(number);
        });
    EXPECT_EQ(mapped.status(), absl::NotFoundError("5"));
  });
}

TEST(Map, PlainValuesAndBoolsAreValuesToo) {
  TestRuntime().Run([] {
    EXPECT_EQ(Map(Numbers(3), {.max_concurrent = 2}, [](int n) { return n * 2; }).value(),
              (std::vector<int>{0, 2, 4}));
    EXPECT_EQ(Map(Numbers(3), {.max_concurrent = 2}, [](int n) { return n > 1; }).value(),
              (std::vector<bool>{false, false, true}));
  });
}

// --- CollectEach -------------------------------------------------------------------------------

TEST(CollectEach, ReturnsHowEachElementEnded) {
  TestRuntime().Run([] {
    const std::vector<absl::StatusOr<int>> results =
        CollectEach(Numbers(4), {.max_concurrent = 2}, [](int number) -> absl::StatusOr<int> {
          if (number == 1) return absl::NotFoundError("1");
          if (number == 2) throw std::runtime_error("2");
          return number;
        });
    ASSERT_EQ(results.size(), 4u);
    EXPECT_EQ(results[0].value(), 0);
    EXPECT_EQ(results[1].status(), absl::NotFoundError("1"));
    EXPECT_EQ(results[2].status(), absl::InternalError("a task threw an exception: 2"));
    EXPECT_EQ(results[3].value(), 3);
  });
}

TEST(CollectEach, WithoutValuesIsAListOfStatuses) {
  TestRuntime().Run([] {
    const std::vector<absl::Status> results = CollectEach(
        Numbers(2), {.max_concurrent = 2},
        [](int number) { return number == 0 ? absl::OkStatus() : absl::NotFoundError("1"); });
    EXPECT_EQ(results, (std::vector<absl::Status>{absl::OkStatus(), absl::NotFoundError("1")}));
  });
}

TEST(CollectEach, WhatNeverBeganHasTheScopesStatus) {
  TestRuntime().Run([] {
    CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(1500)});
    const auto results =
        CollectEach(Numbers(5), {.max_concurrent = 1}, [](int) -> absl::StatusOr<int> {
          if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
          return 1;
        });
    ASSERT_EQ(results.size(), 5u);
    EXPECT_TRUE(results[0].ok());
    EXPECT_EQ(results[1].status().message(),
              "the deadline of the cancel scope has passed (while sleeping)");
    for (size_t i = 2; i < 5; ++i) {
      EXPECT_EQ(results[i].status().message(), "the deadline of the cancel scope has passed");
    }
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(ForEachDeathTest, NeedsABoundOfOneOrMore) {
  for (const int max_concurrent : {0, -1}) {
    EXPECT_DEATH(TestRuntime().Run([max_concurrent] {
      ForEach(Numbers(1), {.max_concurrent = max_concurrent}, [](int) {}).IgnoreError();
    }),
                 "ForEachOptions::max_concurrent is 1 or more");
  }
}

TEST(ForEachDeathTest, IsForFibers) {
  EXPECT_DEATH(ForEach(Numbers(1), {.max_concurrent = 1}, [](int) {}).IgnoreError(),
               "a TaskGroup is made on a fiber");
}
#endif

}  // namespace
}  // namespace weft
