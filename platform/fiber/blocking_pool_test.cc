#include "platform/fiber/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using internal::ThreadEvent;

// A pool of one thread that is busy until released; with the fiber that waits for it.
class BusyPool {
 public:
  explicit BusyPool(size_t queue) : pool_({.name = "busy", .threads = 1, .queue = queue}) {
    group_.Spawn([this] {
      return pool_.Run([this] {
        running_.Notify();
        release_.Wait();
      });
    });
    WaitAllBlocked();
    running_.Wait();  // Blocks the shard's thread: nothing else is to run here.
  }
  ~BusyPool() {
    release_.Notify();
    EXPECT_TRUE(group_.Wait().ok());
  }
  BlockingPool& operator*() { return pool_; }
  BlockingPool* operator->() { return &pool_; }
  void Release() { release_.Notify(); }

 private:
  ThreadEvent running_;
  ThreadEvent release_;
  BlockingPool pool_;
  TaskGroup group_;
};

TEST(BlockingPool, RunsTheJobOffFibersAndReturnsItsResult) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 2});
    EXPECT_EQ(*pool.Run([] { return OnFiber(); }), false);
    EXPECT_TRUE(pool.Run([] {}).ok());
    EXPECT_EQ(pool.Run([] { return absl::NotFoundError("x"); }), absl::NotFoundError("x"));
    EXPECT_EQ(*pool.Run([]() -> absl::StatusOr<std::string> { return "s"; }), "s");
    EXPECT_EQ(pool.Run([]() -> absl::StatusOr<int> { return absl::DataLossError("y"); }).status(),
              absl::DataLossError("y"));
    EXPECT_EQ(**pool.Run([] { return std::make_unique<int>(3); }), 3);
    EXPECT_EQ(pool.Stats().finished_total, 6u);
    EXPECT_EQ(pool.queue_wait().Read().count, 6u);
  });
}

TEST(BlockingPool, AnExceptionBecomesAnInternalStatus) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 1});
    EXPECT_EQ(pool.Run([] { throw std::runtime_error("boom"); }),
              absl::InternalError("a blocking job threw: boom"));
    EXPECT_EQ(pool.Run([]() -> int { throw 1; }).status().code(), absl::StatusCode::kInternal);
    EXPECT_TRUE(pool.Run([] {}).ok());
  });
}

TEST(BlockingPool, OtherFibersRunWhileAJobBlocks) {
  TestRuntime().Run([] {
    BusyPool pool(4);
    TaskGroup group;
    auto other = group.Spawn([] { return 1; });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*other, 1);
    EXPECT_EQ(pool->Stats().busy, 1);
  });
}

TEST(BlockingPool, ACancelledJobInTheQueueNeverRuns) {
  TestRuntime().Run([] {
    bool ran = false;
    BusyPool pool(4);
    TaskGroup doomed;
    auto job = doomed.Spawn([&] { return pool->Run([&] { ran = true; }); });
    WaitAllBlocked();
    doomed.Cancel();
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(pool->Stats().queued, 0u);
    EXPECT_EQ(job.status().message(),
              "cancelled: by hand (while waiting for a thread of a blocking pool)");
    pool.Release();
    EXPECT_TRUE(pool->Run([] {}).ok());
    EXPECT_FALSE(ran);
  });
}

TEST(BlockingPool, ADeadlineEndsTheWaitInTheQueue) {
  TestRuntime runtime;
  runtime.Run([&] {
    bool ran = false;
    BusyPool pool(4);
    TaskGroup hasty({.deadline = weft::Now() + absl::Seconds(1)});
    auto job = hasty.Spawn([&] { return pool->Run([&] { ran = true; }); });
    WaitAllBlocked();
    EXPECT_EQ(pool->Stats().queued, 1u);
    runtime.clock().Advance(absl::Seconds(1));
    EXPECT_EQ(hasty.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(job.status().message(),
              "the deadline of the cancel scope has passed (while waiting for a thread of a "
              "blocking pool)");
    EXPECT_EQ(pool->Stats().queued, 0u);
    EXPECT_EQ(pool->Stats().given_up_total, 1u);
    EXPECT_EQ(pool->queue_wait().Read().count, 2u);  // The wait of one that gave up counts, too.
    pool.Release();
    EXPECT_TRUE(pool->Run([] {}).ok());
    EXPECT_FALSE(ran);
  });
}

// Blocks the shard until the pool has looked at a job and not run it: the job's fiber, which has
// not run since, can have had no part in it.
void WaitUntilAJobIsGivenUp(const BlockingPool& pool) {
  while (pool.Stats().given_up_total == 0) std::this_thread::yield();
}

TEST(BlockingPool, AThreadDoesNotStartTheJobOfAFiberThatIsCancelledButHasNotRunYet) {
  TestRuntime().Run([] {
    bool ran = false;
    BusyPool pool(4);
    TaskGroup doomed;
    doomed.Spawn([&] { return pool->Run([&] { ran = true; }); });
    WaitAllBlocked();
    doomed.Cancel();
    pool.Release();
    WaitUntilAJobIsGivenUp(*pool);
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_FALSE(ran);
  });
}

TEST(BlockingPool, AThreadDoesNotStartAJobThatIsOverdueThoughTheShardIsLate) {
  TestRuntime runtime;
  runtime.Run([&] {
    bool ran = false;
    BusyPool pool(4);
    TaskGroup hasty({.deadline = weft::Now() + absl::Seconds(1)});
    hasty.Spawn([&] { return pool->Run([&] { ran = true; }); });
    WaitAllBlocked();
    runtime.clock().Advance(absl::Seconds(1));
    pool.Release();
    WaitUntilAJobIsGivenUp(*pool);
    EXPECT_EQ(hasty.Wait().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(ran);
  });
}

TEST(BlockingPool, InACancelledScopeNoJobIsQueued) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 1});
    CancelScope scope;
    scope.Cancel();
    bool ran = false;
    EXPECT_EQ(pool.Run([&] { ran = true; }).code(), absl::StatusCode::kCancelled);
    EXPECT_FALSE(ran);
    EXPECT_EQ(pool.Stats().finished_total, 0u);
  });
}

TEST(BlockingPool, ACancelledFiberWaitsForItsRunningJob) {
  TestRuntime().Run([] {
    ThreadEvent running;
    ThreadEvent release;
    BlockingPool pool({.threads = 1});
    TaskGroup doomed;
    bool returned = false;
    doomed.Spawn([&]() -> absl::Status {
      absl::StatusOr<int> result = pool.Run([&] {
        running.Notify();
        release.Wait();
        return 5;
      });
      returned = true;
      EXPECT_EQ(*result, 5);
      return weft::SleepFor(absl::Seconds(1));  // The cancellation comes through here.
    });
    WaitAllBlocked();
    running.Wait();
    doomed.Cancel();
    WaitAllBlocked();
    EXPECT_FALSE(returned);
    release.Notify();
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(returned);
  });
}

// The job ends by its stop token alone.
TEST(BlockingPool, StopIsRequestedOfAJobWhoseFiberIsCancelled) {
  TestRuntime().Run([] {
    ThreadEvent running;
    BlockingPool pool({.threads = 1});
    TaskGroup doomed;
    auto result = doomed.Spawn([&] {
      return pool.Run([&](std::stop_token stop) -> absl::StatusOr<std::string> {
        ThreadEvent stopped;
        std::stop_callback when_stopped(stop, [&] { stopped.Notify(); });
        running.Notify();
        stopped.Wait();
        return stop.stop_requested() ? "stopped" : "";
      });
    });
    WaitAllBlocked();
    running.Wait();
    doomed.Cancel();
    EXPECT_TRUE(doomed.Wait().ok());
    EXPECT_EQ(*result, "stopped");
  });
}

TEST(BlockingPool, StopIsRequestedAtTheDeadline) {
  TestRuntime runtime;
  runtime.Run([&] {
    ThreadEvent running;
    BlockingPool pool({.threads = 1});
    TaskGroup hasty({.deadline = weft::Now() + absl::Seconds(1)});
    hasty.Spawn([&] {
      return pool.Run([&](std::stop_token stop) {
        running.Notify();
        while (!stop.stop_requested()) std::this_thread::yield();
      });
    });
    WaitAllBlocked();
    running.Wait();
    runtime.clock().Advance(absl::Seconds(1));
    EXPECT_TRUE(hasty.Wait().ok());
  });
}

TEST(BlockingPool, NoStopIsRequestedOfAJobThatIsWanted) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 1});
    EXPECT_EQ(*pool.Run([](std::stop_token stop) { return stop.stop_requested(); }), false);
  });
}

TEST(BlockingPool, SimulatedTimeStandsWhileAJobRunsOrWaits) {
  TestRuntime runtime;
  runtime.Run([&] {
    TaskGroup sleeper;
    {
      BusyPool pool(4);
      TaskGroup group;
      group.Spawn([&] { return pool->Run([] {}); });
      sleeper.Spawn([] { return weft::SleepFor(absl::Hours(1)); });
      WaitAllBlocked();
      EXPECT_EQ(runtime.clock().jumps(), 0u);
      pool.Release();
      EXPECT_TRUE(group.Wait().ok());
    }
    EXPECT_EQ(runtime.clock().jumps(), 0u);
    EXPECT_TRUE(sleeper.Wait().ok());
    EXPECT_EQ(runtime.clock().jumps(), 1u);
  });
}

// Jobs that end while their fibers are being cancelled, many times over; on real threads.
TEST(BlockingPool, CancelAndFinishAtOnce) {
  BlockingPool pool({.threads = 2, .queue = 64});
  TestRuntime runtime;
  runtime.Run([&] {
    for (int round = 0; round < 200; ++round) {
      TaskGroup group;
      int cancelled = 0;
      int finished = 0;
      std::atomic<int> ran{0};
      for (int i = 0; i < 8; ++i) {
        group.Spawn([&] {
          const absl::Status status = pool.Run([&] { ++ran; });
          (status.ok() ? finished : cancelled) += 1;
        });
      }
      for (int i = 0; i < round % 7; ++i) Yield();
      group.Cancel();
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(finished + cancelled, 8);
      EXPECT_EQ(finished, ran.load());
    }
  });
}

}  // namespace
}  // namespace weft
