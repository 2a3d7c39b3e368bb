#include "platform/fiber/barrier.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

constexpr char kGaveUp[] = "the barrier is broken: a party gave up while it waited";

TEST(Barrier, PartiesMeetInEachPhase) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      constexpr int kParties = 4;
      int completions = 0;
      std::vector<int> phases(kParties);
      Barrier barrier(kParties, [&] {
        for (const int phase : phases) EXPECT_EQ(phase, completions + 1);
        ++completions;
      });
      TaskGroup group;
      for (size_t party = 0; party < kParties; ++party) {
        group.Spawn([&, party]() -> absl::Status {
          for (int phase = 1; phase <= 5; ++phase) {
            phases[party] = phase;
            if (absl::Status s = barrier.ArriveAndWait(); !s.ok()) return s;
            EXPECT_EQ(completions, phase);
          }
          return absl::OkStatus();
        });
      }
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(completions, 5);
    });
  });
}

TEST(Barrier, OfOneNeverParks) {
  TestRuntime().Run([] {
    Barrier barrier(1);
    CancelScope scope;
    scope.Cancel();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(barrier.ArriveAndWait(absl::InfinitePast()).ok());
  });
}

TEST(Barrier, APartyThatIsCancelledBreaksItForTheOthers) {
  TestRuntime().Run([] {
    Barrier barrier(3);
    TaskGroup doomed;
    doomed.Spawn([&] { return barrier.ArriveAndWait(); });
    TaskGroup other;
    other.Spawn([&] { return barrier.ArriveAndWait(); });
    WaitAllBlocked();
    EXPECT_FALSE(barrier.broken());
    doomed.Cancel(CancelCause::kDrain);
    EXPECT_EQ(doomed.Wait().message(), "cancelled: drain (while waiting at a barrier)");
    EXPECT_EQ(other.Wait(), absl::AbortedError(kGaveUp));
    EXPECT_TRUE(barrier.broken());
    EXPECT_EQ(barrier.ArriveAndWait(), absl::AbortedError(kGaveUp));
  });
}

TEST(Barrier, APartysDeadlineBreaksItForTheOthers) {
  TestRuntime().Run([] {
    Barrier barrier(3);
    TaskGroup other;
    other.Spawn([&] { return barrier.ArriveAndWait(); });
    const absl::Time start = weft::Now();
    EXPECT_EQ(barrier.ArriveAndWait(start + absl::Seconds(1)),
              absl::DeadlineExceededError("the deadline passed while waiting at a barrier"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    EXPECT_EQ(other.Wait(), absl::AbortedError(kGaveUp));
  });
}

TEST(Barrier, ResetMakesANewOne) {
  TestRuntime().Run([] {
    Barrier barrier(2);
    EXPECT_FALSE(barrier.ArriveAndWait(weft::Now()).ok());
    EXPECT_TRUE(barrier.broken());
    barrier.Reset();
    EXPECT_FALSE(barrier.broken());
    TaskGroup group;
    group.Spawn([&] { return barrier.ArriveAndWait(); });
    EXPECT_TRUE(barrier.ArriveAndWait().ok());
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Barrier, ResetEndsTheWaitOfThePartiesOfTheOldOne) {
  TestRuntime().Run([] {
    Barrier barrier(3);
    TaskGroup old;
    for (int i = 0; i < 2; ++i) {
      old.Spawn([&] {
        EXPECT_EQ(barrier.ArriveAndWait(),
                  absl::AbortedError("the barrier was reset while the party waited"));
      });
    }
    WaitAllBlocked();
    barrier.Reset();
    TaskGroup group;  // Before the old ones have run: theirs are not counted.
    for (int i = 0; i < 3; ++i) group.Spawn([&] { return barrier.ArriveAndWait(); });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_TRUE(old.Wait().ok());
  });
}

TEST(Barrier, AThreadBreaksIt) {
  TestRuntime runtime;
  runtime.Run([&] {
    const SimulatedClock::Hold hold(runtime.clock());
    Barrier barrier(2);
    std::thread thread([&] {
      barrier.Break();
      barrier.Break();
    });
    EXPECT_EQ(barrier.ArriveAndWait(),
              absl::AbortedError("the barrier is broken: Break() was called"));
    thread.join();
  });
}

// The last arrival and a cancellation in the same turn: all parties get the same result.
TEST(Barrier, CancelledWhileTheLastOneArrives) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Barrier barrier(3);
      TaskGroup doomed;
      doomed.Spawn([&] { return barrier.ArriveAndWait(); });
      TaskGroup other;
      other.Spawn([&] { return barrier.ArriveAndWait(); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      // It had not run yet, and so has not broken anything, when the phase was complete.
      EXPECT_TRUE(barrier.ArriveAndWait().ok());
      if (!cancel_first) doomed.Cancel();
      EXPECT_TRUE(doomed.Wait().ok());
      EXPECT_TRUE(other.Wait().ok());
      EXPECT_FALSE(barrier.broken());
    });
  }
}

TEST(Barrier, APartyThatIsCancelledDuringTheCompletionWaitsForItsEnd) {
  TestRuntime().Run([] {
    bool completed = false;
    Barrier barrier(3, [&] {
      EXPECT_TRUE(weft::SleepFor(absl::Seconds(2)).ok());
      completed = true;
    });
    TaskGroup doomed;
    bool first_ended = false;
    doomed.Spawn([&]() -> absl::Status {
      const std::string mine = "what the completion function may use";
      EXPECT_TRUE(barrier.ArriveAndWait().ok());
      EXPECT_TRUE(completed);
      first_ended = true;
      return weft::SleepFor(absl::Seconds(1));  // The next cancel point tells it.
    });
    TaskGroup late;
    late.Spawn([&] {
      EXPECT_TRUE(barrier.ArriveAndWait(weft::Now() + absl::Seconds(1)).ok());
      EXPECT_TRUE(completed);
    });
    TaskGroup last;
    last.Spawn([&] { return barrier.ArriveAndWait(); });
    WaitAllBlocked();
    doomed.Cancel();
    WaitAllBlocked();
    EXPECT_FALSE(first_ended);
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(first_ended);
    EXPECT_TRUE(late.Wait().ok());
    EXPECT_TRUE(last.Wait().ok());
    EXPECT_FALSE(barrier.broken());
  });
}

TEST(Barrier, BreakDuringTheCompletionIsForThePhasesAfterIt) {
  TestRuntime().Run([] {
    Barrier* self = nullptr;
    Barrier barrier(2, [&] { self->Break(); });
    self = &barrier;
    TaskGroup group;
    group.Spawn([&] { return barrier.ArriveAndWait(); });
    EXPECT_TRUE(barrier.ArriveAndWait().ok());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(barrier.ArriveAndWait().code(), absl::StatusCode::kAborted);
  });
}

TEST(Barrier, ACompletionThatThrowsBreaksIt) {
  TestRuntime().Run([] {
    bool fails = true;
    Barrier barrier(2, [&] {
      if (fails) throw std::runtime_error("no disk");
    });
    const absl::Status broken =
        absl::AbortedError("the barrier is broken: its completion function threw");
    TaskGroup group;
    group.Spawn([&] { EXPECT_EQ(barrier.ArriveAndWait(), broken); });
    WaitAllBlocked();
    EXPECT_THROW((void)barrier.ArriveAndWait(), std::runtime_error);
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(barrier.ArriveAndWait(), broken);
    fails = false;
    barrier.Reset();
    group.Spawn([&] { return barrier.ArriveAndWait(); });
    EXPECT_TRUE(barrier.ArriveAndWait().ok());
    EXPECT_TRUE(group.Wait().ok());
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(BarrierDeathTest, HasAParty) { EXPECT_DEATH(Barrier(0), "at least one party"); }

TEST(BarrierDeathTest, HasNoMorePartiesThanItsCount) {
  EXPECT_DEATH(TestRuntime().Run([] {
    Barrier barrier(1, [] { (void)weft::SleepFor(absl::Seconds(1)); });
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return barrier.ArriveAndWait(); });
    (void)group.Wait();
  }),
               "more fibers arrive at a Barrier than it has parties");
}

TEST(BarrierDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto barrier = std::make_unique<Barrier>(2);
    TaskGroup group;
    group.Spawn([&] { return barrier->ArriveAndWait(); });
    WaitAllBlocked();
    barrier.reset();
  }),
               "a Barrier is destroyed while fibers wait");
}

TEST(BarrierDeathTest, ArriveAndWaitIsForFibers) {
  Barrier barrier(1);
  EXPECT_DEATH((void)barrier.ArriveAndWait(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
