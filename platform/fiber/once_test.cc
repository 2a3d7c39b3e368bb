#include "platform/fiber/once.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(CallOnce, RunsOneFunctionWhileTheOthersPark) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      Once once;
      int runs = 0;
      std::string made;
      TaskGroup group;
      for (int i = 0; i < 5; ++i) {
        group.Spawn([&] {
          EXPECT_TRUE(CallOnce(once, [&] {
                        ++runs;
                        const absl::Status slept = weft::SleepFor(absl::Seconds(1));
                        made = "made";
                        return slept;
                      }).ok());
          EXPECT_EQ(made, "made");
        });
      }
      EXPECT_FALSE(once.done());
      const absl::Time start = weft::Now();
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
      EXPECT_TRUE(once.done());
      EXPECT_EQ(runs, 1);
      EXPECT_TRUE(CallOnce(once, [&] { ++runs; }).ok());
      EXPECT_EQ(runs, 1);
    });
  });
}

TEST(CallOnce, AfterAFailureTheNextInLineTries) {
  TestRuntime().Run([] {
    Once once;
    std::string tries;
    TaskGroup group;
    for (char name = 'a'; name <= 'd'; ++name) {
      group.Spawn([&, name] {
        const absl::Status status = CallOnce(once, [&, name]() -> absl::Status {
          tries.push_back(name);
          if (absl::Status s = weft::SleepFor(absl::Seconds(1)); !s.ok()) return s;
          if (name < 'c') return absl::UnavailableError(std::string(1, name));
          return absl::OkStatus();
        });
        // Each gets its own failure.
        EXPECT_EQ(status,
                  name < 'c' ? absl::UnavailableError(std::string(1, name)) : absl::OkStatus());
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(tries, "abc");
  });
}

TEST(CallOnce, AfterAnExceptionTheNextInLineTries) {
  TestRuntime().Run([] {
    Once once;
    TaskGroup group;
    bool second_ran = false;
    EXPECT_THROW(
        (void)CallOnce(once,
                       [&] {
                         group.Spawn([&] { return CallOnce(once, [&] { second_ran = true; }); });
                         WaitAllBlocked();
                         EXPECT_FALSE(second_ran);
                         throw std::runtime_error("no file");
                       }),
        std::runtime_error);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(second_ran);
    EXPECT_TRUE(once.done());
  });
}

TEST(CallOnce, AfterAFailureALaterCallerTries) {
  TestRuntime().Run([] {
    Once once;
    EXPECT_EQ(CallOnce(once, [] { return absl::UnavailableError("down"); }),
              absl::UnavailableError("down"));
    EXPECT_FALSE(once.done());
    EXPECT_TRUE(CallOnce(once, [] {}).ok());
    EXPECT_TRUE(once.done());
  });
}

TEST(CallOnce, DeadlineAndCancellationEndTheWaitButNotTheFunction) {
  TestRuntime().Run([] {
    Once once;
    TaskGroup group;
    group.Spawn([&] {
      // Its own deadline is for waiting, not for the function.
      EXPECT_TRUE(
          CallOnce(
              once, [] { return weft::SleepFor(absl::Seconds(5)); }, weft::Now() + absl::Seconds(1))
              .ok());
    });
    WaitAllBlocked();
    const auto never = [] { ADD_FAILURE() << "runs although another one does"; };
    EXPECT_EQ(CallOnce(once, never, weft::Now() + absl::Seconds(2)),
              absl::DeadlineExceededError(
                  "the deadline passed while waiting for another fiber's CallOnce()"));
    TaskGroup doomed;
    doomed.Spawn([&] { return CallOnce(once, never); });
    WaitAllBlocked();
    doomed.Cancel();
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(group.Wait().ok());
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(CallOnce(once, never, absl::InfinitePast()).ok());
  });
}

// The runner is cancelled, so its function fails: the one that waits is not harmed.
TEST(CallOnce, ACancelledRunnerPassesTheTurnOn) {
  TestRuntime().Run([] {
    Once once;
    TaskGroup doomed;
    doomed.Spawn([&] { return CallOnce(once, [] { return weft::SleepFor(absl::Hours(1)); }); });
    WaitAllBlocked();
    TaskGroup group;
    group.Spawn([&] { return CallOnce(once, [] { return weft::SleepFor(absl::Seconds(1)); }); });
    WaitAllBlocked();
    doomed.Cancel();
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(once.done());
  });
}

// A turn and a cancellation in one turn of the loop, in both orders: the turn is not lost.
TEST(CallOnce, CancelDuringTheHandOver) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Once once;
      TaskGroup doomed;
      TaskGroup group;
      int runs = 0;
      const absl::Status first = CallOnce(once, [&]() -> absl::Status {
        doomed.Spawn([&] { return CallOnce(once, [&] { ++runs; }); });
        WaitAllBlocked();
        group.Spawn([&] { return CallOnce(once, [&] { ++runs; }); });
        WaitAllBlocked();
        if (cancel_first) doomed.Cancel();
        return absl::UnavailableError("down");
      });
      EXPECT_FALSE(first.ok());
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(runs, 1);
    });
  }
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(CallOnceDeathTest, MustNotCallItself) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Once once;
    (void)CallOnce(once, [&] { (void)CallOnce(once, [] {}); });
  }),
               "called by the function that it runs");
}

TEST(OnceDeathTest, IsNotDestroyedInUse) {
  EXPECT_DEATH(TestRuntime().Run([] {
    std::optional<Once> once(std::in_place);
    (void)CallOnce(*once, [&] { once.reset(); });
  }),
               "a Once is destroyed while");
}

TEST(CallOnceDeathTest, IsForFibers) {
  Once once;
  EXPECT_DEATH((void)CallOnce(once, [] {}), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
