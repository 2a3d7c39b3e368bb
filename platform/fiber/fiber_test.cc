#include "platform/fiber/fiber.h"

#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(OnFiber, IsTrueOnFibersOnly) {
  EXPECT_FALSE(OnFiber());
  TestRuntime runtime;
  EXPECT_TRUE(runtime.Run([] { return OnFiber(); }));
  bool on_loop = true;
  runtime.runtime().Post(0, [&] { on_loop = OnFiber(); });
  runtime.Run([] { Yield(); });
  EXPECT_FALSE(on_loop);
}

TEST(SleepFor, TakesItsTimeExactly) {
  TestRuntime().Run([] {
    const absl::Time start = weft::Now();
    EXPECT_TRUE(weft::SleepFor(absl::Microseconds(1500)).ok());
    EXPECT_EQ(weft::Now() - start, absl::Microseconds(1500));
    EXPECT_TRUE(weft::SleepUntil(start + absl::Seconds(1)).ok());
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
  });
}

TEST(SleepFor, ZeroOrLessDoesNotPark) {
  TestRuntime().Run([] {
    bool other_ran = false;
    TaskGroup group;
    group.Spawn([&] { other_ran = true; });
    EXPECT_TRUE(weft::SleepFor(absl::ZeroDuration()).ok());
    EXPECT_TRUE(weft::SleepFor(-absl::Seconds(1)).ok());
    EXPECT_TRUE(weft::SleepFor(-absl::InfiniteDuration()).ok());
    EXPECT_TRUE(weft::SleepUntil(absl::InfinitePast()).ok());
    EXPECT_FALSE(other_ran);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(SleepFor, ZeroStillReportsACancelledScope) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(weft::SleepFor(absl::ZeroDuration()).code(), absl::StatusCode::kCancelled);
  });
}

TEST(SleepFor, ForEverEndsByCancellation) {
  TestRuntime().Run([] {
    TaskGroup group;
    group.Spawn([] { return weft::SleepFor(absl::InfiniteDuration()); });
    group.Spawn([] { return weft::SleepUntil(absl::InfiniteFuture()); });
    WaitAllBlocked();
    group.Cancel();
    EXPECT_EQ(group.Wait().code(), absl::StatusCode::kCancelled);
  });
}

TEST(Yield, AloneReturnsAtOnce) {
  TestRuntime().Run([] {
    for (int i = 0; i < 1000; ++i) Yield();
  });
}

// A fiber that never parks must not keep the loop from its posts, nor sleepers from their time.
TEST(Yield, DoesNotStarveTheLoop) {
  TestRuntime runtime;
  bool posted = false;
  bool slept = false;
  runtime.Run([&] {
    TaskGroup group;
    group.Spawn([&] {
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
      slept = true;
    });
    Yield();
    runtime.runtime().Post(0, [&] { posted = true; });
    runtime.clock().Advance(absl::Seconds(1));
    while (!posted || !slept) Yield();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Yield, IsNoCancelPoint) {
  TestRuntime().Run([] {
    CancelScope scope;
    scope.Cancel();
    bool other_ran = false;
    TaskGroup group;
    group.Spawn([&] { other_ran = true; });
    Yield();
    EXPECT_TRUE(other_ran);
    EXPECT_TRUE(group.Wait().ok());
  });
}

// --- Exceptions in flight belong to the fiber ------------------------------------------------

TEST(Exceptions, ARethrowAfterAParkIsTheFibersOwn) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      TaskGroup group;
      for (int i = 0; i < 6; ++i) {
        group.Spawn([i] {
          for (int turn = 0; turn < 5; ++turn) {
            try {
              try {
                throw i * 100 + turn;
              } catch (int) {
                EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(i % 3)).ok());
                Yield();
                throw;
              }
            } catch (int caught) {
              EXPECT_EQ(caught, i * 100 + turn);
            }
          }
        });
      }
      EXPECT_TRUE(group.Wait().ok());
    });
  });
}

TEST(Exceptions, NestedHandlersUnwindInOrder) {
  TestRuntime().Run([] {
    TaskGroup group;
    for (int i = 0; i < 2; ++i) {
      group.Spawn([i] {
        try {
          throw std::runtime_error("outer" + std::to_string(i));
        } catch (const std::runtime_error& outer) {
          Yield();
          try {
            throw std::logic_error("inner" + std::to_string(i));
          } catch (const std::logic_error& inner) {
            Yield();
            EXPECT_EQ(inner.what(), "inner" + std::to_string(i));
          }
          Yield();
          EXPECT_EQ(outer.what(), "outer" + std::to_string(i));
          EXPECT_TRUE(std::current_exception() != nullptr);
        }
        EXPECT_TRUE(std::current_exception() == nullptr);
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
}

struct ParksWhileUnwinding {
  ~ParksWhileUnwinding() {
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
    EXPECT_EQ(std::uncaught_exceptions(), 1);
  }
};

TEST(Exceptions, AParkWhileUnwindingIsNotSeenByOthers) {
  TestRuntime().Run([] {
    TaskGroup group;
    group.Spawn([] {
      try {
        ParksWhileUnwinding parks;
        throw 1;
      } catch (int) {
      }
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    });
    WaitAllBlocked();
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Exceptions, AFiberStartedInsideAHandlerStartsClean) {
  TestRuntime().Run([] {
    try {
      throw 1;
    } catch (int) {
      TaskGroup group;
      group.Spawn([] { EXPECT_TRUE(std::current_exception() == nullptr); });
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_TRUE(std::current_exception() != nullptr);
    }
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(FiberDeathTest, YieldIsForFibers) { EXPECT_DEATH(Yield(), "Yield\\(\\) is for fibers"); }

TEST(FiberDeathTest, SleepIsForFibers) {
  EXPECT_DEATH(weft::SleepFor(absl::Seconds(1)).IgnoreError(), "made off fibers");
}

TEST(FiberDeathTest, AnExceptionThatLeavesRunEndsTheProcess) {
  EXPECT_DEATH(TestRuntime().Run([] { throw std::runtime_error("lost"); }), "lost");
}
#endif

}  // namespace
}  // namespace weft
