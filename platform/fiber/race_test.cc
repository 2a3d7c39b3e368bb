#include "platform/fiber/race.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

absl::StatusOr<std::string> After(absl::Duration time, absl::StatusOr<std::string> result) {
  if (absl::Status s = weft::SleepFor(time); !s.ok()) return s;
  return result;
}

TEST(Race, TheFirstSuccessWinsAndCancelsTheOthers) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      const absl::Time start = weft::Now();
      absl::Status loser;
      const auto winner = Race(
          [&]() -> absl::StatusOr<std::string> { return loser = weft::SleepFor(absl::Hours(1)); },
          [] { return After(absl::Seconds(2), "far"); },
          [] { return After(absl::Seconds(1), "near"); });
      EXPECT_EQ(winner.value(), "near");
      EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
      EXPECT_EQ(loser.message(), "cancelled: sibling succeeded (while sleeping)");
    });
  });
}

TEST(Race, AFailureCancelsNobody) {
  TestRuntime().Run([] {
    const auto winner = Race([] { return After(absl::Seconds(1), absl::UnavailableError("down")); },
                             [] { return After(absl::Seconds(2), "up"); });
    EXPECT_EQ(winner.value(), "up");
  });
}

TEST(Race, WhenAllFailTheFirstFailureComesOut) {
  ForEachShuffle(5, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      const auto winner =
          Race([] { return After(absl::Seconds(2), absl::UnavailableError("second")); },
               [] { return After(absl::Seconds(1), absl::NotFoundError("first")); },
               []() -> absl::StatusOr<std::string> {
                 weft::SleepFor(absl::Seconds(3)).IgnoreError();
                 throw std::runtime_error("third");
               });
      EXPECT_EQ(winner.status(), absl::NotFoundError("first"));
    });
  });
}

TEST(Race, AnExceptionIsAFailureAndLosesToASuccess) {
  TestRuntime().Run([] {
    const auto thrown = Race([]() -> int { throw std::runtime_error("boom"); });
    EXPECT_EQ(thrown.status(), absl::InternalError("a task threw an exception: boom"));
    EXPECT_EQ(Race([]() -> int { throw 1; }, [] { return 2; }).value(), 2);
  });
}

TEST(Race, TheScopesDeadlineIsTheRaces) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Seconds(5), .name = "lookup"});
    const auto winner = Race([] { return After(absl::Seconds(1), absl::UnavailableError("down")); },
                             [] { return After(absl::Hours(1), "too late"); });
    EXPECT_EQ(winner.status(),
              absl::DeadlineExceededError("the deadline of the cancel scope has passed [lookup]"))
        << "rather than the failure before it";
    EXPECT_EQ(weft::Now() - start, absl::Seconds(5));
  });
}

TEST(Race, ASuccessInSpiteOfACancelledScopeCounts) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel(CancelCause::kDrain);
    EXPECT_EQ(Race([] { return 1; }).value(), 1);
    EXPECT_EQ(Race([] { return After(absl::Seconds(1), "x"); }).status(),
              absl::CancelledError("cancelled: drain"));
  });
}

TEST(Race, ReturnsOnlyWhenTheLosersHaveEnded) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    bool cleaned_up = false;
    const auto winner = Race([] { return 1; },
                             [&] {
                               EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
                               CancelScope clean_up({.shield = true});
                               EXPECT_TRUE(weft::SleepFor(absl::Seconds(3)).ok());
                               cleaned_up = true;
                               return 2;
                             });
    // In the order of the spawns: without a park the first wins before the second has begun.
    EXPECT_EQ(winner.value(), 1);
    EXPECT_FALSE(cleaned_up);
    EXPECT_EQ(weft::Now() - start, absl::ZeroDuration());
    const auto second = Race([] { return After(absl::Seconds(1), "won"); },
                             [&] {
                               EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
                               CancelScope clean_up({.shield = true});
                               EXPECT_TRUE(weft::SleepFor(absl::Seconds(3)).ok());
                               cleaned_up = true;
                               return "a second success is dropped";
                             });
    EXPECT_EQ(second.value(), "won");
    EXPECT_TRUE(cleaned_up);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(4));
  });
}

TEST(Race, WithoutAValueIsAStatus) {
  TestRuntime().Run([] {
    const auto won = Race([] { return absl::NotFoundError("none"); },
                          [] { return weft::SleepFor(absl::Seconds(1)); });
    static_assert(std::is_same_v<decltype(won), const absl::Status>);
    EXPECT_TRUE(won.ok());
    EXPECT_EQ(Race([] { return absl::NotFoundError("none"); }), absl::NotFoundError("none"));
    EXPECT_TRUE(Race([] {}, [] { return absl::InternalError("x"); }).ok());
  });
}

TEST(Race, TypesMeetInTheirCommonOne) {
  TestRuntime().Run([] {
    const auto number =
        Race([] { return absl::StatusOr<int>(absl::NotFoundError("")); }, [] { return 1.5; });
    static_assert(std::is_same_v<decltype(number), const absl::StatusOr<double>>);
    EXPECT_EQ(number.value(), 1.5);
    auto moved = Race([] { return std::make_unique<int>(5); });
    EXPECT_EQ(**moved, 5);
  });
}

TEST(RaceEach, TheFirstReplicaToAnswerWins) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    const std::vector<int> delays = {3, 1, 2};
    const auto winner = RaceEach(delays, [](const int& delay) -> absl::StatusOr<int> {
      if (absl::Status s = weft::SleepFor(absl::Seconds(delay)); !s.ok()) return s;
      return delay;
    });
    EXPECT_EQ(winner.value(), 1);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
  });
}

TEST(RaceEach, OfNobodyIsRefused) {
  TestRuntime().Run([] {
    EXPECT_EQ(RaceEach(std::vector<int>(), [](int) { return 1; }).status().code(),
              absl::StatusCode::kInvalidArgument);
  });
}

TEST(RaceEach, GoesOnWithThoseThatCouldBeStarted) {
  TestRuntime({.max_fibers_per_shard = 2}).Run([] {
    const std::vector<int> runners = {1, 2, 3};
    EXPECT_EQ(RaceEach(runners, [](int runner) { return runner; }).value(), 1);
  });
  TestRuntime({.max_fibers_per_shard = 1}).Run([] {
    EXPECT_EQ(Race([] { return 1; }).status().code(), absl::StatusCode::kResourceExhausted);
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(RaceDeathTest, IsForFibers) {
  EXPECT_DEATH((void)Race([] { return 1; }), "a TaskGroup is made on a fiber");
}
#endif

}  // namespace
}  // namespace weft
