#include "platform/fiber/gather.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>

#include "platform/fiber/fiber.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

absl::Status After(absl::Duration time, absl::Status status) {
  if (absl::Status s = weft::SleepFor(time); !s.ok()) return s;
  return status;
}

TEST(Gather, ReturnsTheValuesInTheOrderOfTheFunctions) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      const absl::Time start = weft::Now();
      auto all = Gather(
          []() -> absl::StatusOr<std::string> {
            if (absl::Status s = weft::SleepFor(absl::Seconds(2)); !s.ok()) return s;
            return "slow";
          },
          [] { return 1; }, [] { return After(absl::Seconds(1), absl::OkStatus()); }, [] {},
          [] { return std::make_unique<int>(5); });
      ASSERT_TRUE(all.ok()) << all.status();
      static_assert(
          std::is_same_v<
              decltype(all)::value_type,
              std::tuple<std::string, int, std::monostate, std::monostate, std::unique_ptr<int>>>);
      EXPECT_EQ(std::get<0>(*all), "slow");
      EXPECT_EQ(std::get<1>(*all), 1);
      EXPECT_EQ(*std::get<4>(*all), 5);
      EXPECT_EQ(weft::Now() - start, absl::Seconds(2)) << "they run at once";
    });
  });
}

TEST(Gather, TheFirstFailureCancelsTheOthersAndComesOut) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    absl::Status cancelled;
    const auto all =
        Gather([] { return After(absl::Seconds(1), absl::NotFoundError("no sku 7")); },
               [&] { return cancelled = weft::SleepFor(absl::Hours(1)); },
               []() -> absl::StatusOr<int> {
                 return After(absl::Seconds(2), absl::AbortedError("never comes to this"));
               });
    EXPECT_EQ(all.status(), absl::NotFoundError("no sku 7"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    EXPECT_EQ(cancelled.message(),
              "cancelled: sibling failed: task 'gather': NOT_FOUND: no sku 7 (while sleeping)");
  });
}

TEST(Gather, WaitsForTheOthersToEnd) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    bool cleaned_up = false;
    const auto all = Gather([] { return absl::NotFoundError("none"); },
                            [&] {
                              EXPECT_FALSE(weft::SleepFor(absl::Hours(1)).ok());
                              CancelScope clean_up({.shield = true});
                              EXPECT_TRUE(weft::SleepFor(absl::Seconds(3)).ok());
                              cleaned_up = true;
                            });
    EXPECT_TRUE(cleaned_up);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
    EXPECT_EQ(all.status().code(), absl::StatusCode::kNotFound);
  });
}

TEST(Gather, AnExceptionIsAFailure) {
  TestRuntime().Run([] {
    const auto all = Gather([]() -> int { throw std::runtime_error("boom"); }, [] { return 1; });
    EXPECT_EQ(all.status(), absl::InternalError("a task threw an exception: boom"));
  });
}

TEST(Gather, OfNothingIsOk) {
  TestRuntime().Run([] { EXPECT_TRUE(Gather().ok()); });
}

TEST(Gather, TakesFunctionsThatCanOnlyBeMoved) {
  TestRuntime().Run([] {
    auto all = Gather([five = std::make_unique<int>(5)] { return *five; });
    ASSERT_TRUE(all.ok());
    EXPECT_EQ(std::get<0>(*all), 5);
  });
}

TEST(CollectAll, ReturnsEachOnesOwnOutcomeAndCancelsNothing) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    auto [value, failed, slow, nothing, thrown] =
        CollectAll([] { return std::make_unique<int>(5); },
                   []() -> absl::StatusOr<int> { return absl::NotFoundError("none"); },
                   [] { return After(absl::Seconds(2), absl::OkStatus()); }, [] {},
                   []() -> std::string { throw 1; });
    static_assert(std::is_same_v<decltype(value), absl::StatusOr<std::unique_ptr<int>>>);
    static_assert(std::is_same_v<decltype(failed), absl::StatusOr<int>>);
    static_assert(std::is_same_v<decltype(slow), absl::Status>);
    static_assert(std::is_same_v<decltype(nothing), absl::Status>);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(**value, 5);
    EXPECT_EQ(failed.status(), absl::NotFoundError("none"));
    EXPECT_TRUE(slow.ok());
    EXPECT_TRUE(nothing.ok());
    EXPECT_EQ(thrown.status(),
              absl::InternalError("a task threw something that is no std::exception"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
  });
}

TEST(CollectAll, EndsAtTheDeadlineOfTheScope) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Seconds(1)});
    const auto [quick, slow] =
        CollectAll([] { return 1; }, [] { return weft::SleepFor(absl::Hours(1)); });
    EXPECT_EQ(quick.value(), 1);
    EXPECT_EQ(slow.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
  });
}

TEST(CollectAll, TellsOfTheOneThatCouldNotBeStarted) {
  TestRuntime({.max_fibers_per_shard = 2}).Run([] {
    const auto [first, second] = CollectAll([] { return 1; }, [] { return 2; });
    EXPECT_EQ(first.value(), 1);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kResourceExhausted);
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(GatherDeathTest, IsForFibers) {
  EXPECT_DEATH((void)Gather([] { return 1; }), "a TaskGroup is made on a fiber");
}
#endif

}  // namespace
}  // namespace weft
