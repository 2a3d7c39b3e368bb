// The bounds of a BlockingPool: its threads come and go, its queue is full, it is used wrongly.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <string>
#include <thread>

#include "platform/base/cpu_quota.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using internal::ThreadEvent;

// Jobs that all run at once and end together.
class Burst {
 public:
  Burst(BlockingPool& pool, int jobs) {
    for (int i = 0; i < jobs; ++i) {
      group_.Spawn([this, &pool] {
        const absl::Status status = pool.Run([this] {
          if (--not_running_ == 0) all_run_.Notify();
          release_.Wait();
        });
        refused_ += absl::IsResourceExhausted(status);
      });
    }
    not_running_ = jobs;
    WaitAllBlocked();
  }
  ~Burst() { End(); }
  TaskGroup& group() { return group_; }
  void WaitUntilAllRun() { all_run_.Wait(); }  // Blocks the shard.
  void End() {
    release_.Notify();
    EXPECT_TRUE(group_.Wait().ok());
  }
  int refused() const { return refused_; }

 private:
  std::atomic<int> not_running_{0};
  int refused_ = 0;
  ThreadEvent all_run_;
  ThreadEvent release_;
  TaskGroup group_;
};

// In real time, with no bound but the test's own.
void WaitForThreads(const BlockingPool& pool, int threads) {
  while (pool.Stats().threads != threads) std::this_thread::yield();
}

// --- Threads -----------------------------------------------------------------------------------

TEST(BlockingPoolThreads, StartWithTheJobsThatNeedThem) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 4});
    EXPECT_EQ(pool.Stats().threads, 0);
    EXPECT_EQ(pool.Stats().threads_max, 4);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(pool.Run([] {}).ok());
    EXPECT_EQ(pool.Stats().threads, 1);
    {
      Burst burst(pool, 4);
      burst.WaitUntilAllRun();
      EXPECT_EQ(pool.Stats().threads, 4);
      EXPECT_EQ(pool.Stats().busy, 4);
    }
    EXPECT_EQ(pool.Stats().busy, 0);
  });
}

TEST(BlockingPoolThreads, EndWhenTheyHaveBeenIdleForLong) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 4, .idle_timeout = absl::ZeroDuration()});
    for (int round = 0; round < 10; ++round) {
      {
        Burst burst(pool, 4);
        burst.WaitUntilAllRun();
      }
      WaitForThreads(pool, 0);
    }
    EXPECT_EQ(pool.Stats().finished_total, 40u);
  });
}

TEST(BlockingPoolThreads, TheLeastOfThemAreThereFromTheStartAndStay) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 4, .min_threads = 2, .idle_timeout = absl::ZeroDuration()});
    for (int round = 0; round < 10; ++round) {
      EXPECT_EQ(pool.Stats().threads, 2);
      {
        Burst burst(pool, 4);
        burst.WaitUntilAllRun();
        EXPECT_EQ(pool.Stats().threads, 4);
      }
      WaitForThreads(pool, 2);
    }
  });
}

TEST(BlockingPoolThreads, WithoutATimeoutTheyAllStay) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 3, .idle_timeout = absl::InfiniteDuration()});
    {
      Burst burst(pool, 3);
      burst.WaitUntilAllRun();
    }
    EXPECT_TRUE(pool.Run([] {}).ok());
    EXPECT_EQ(pool.Stats().threads, 3);
  });
}

TEST(BlockingPoolThreads, NoneMeansAsManyAsThereAreCpus) {
  EXPECT_EQ(BlockingPool({.threads = 0}).Stats().threads_max, AllowedCpus());
}

TEST(BlockingPoolThreads, AreNamedAfterThePool) {
  TestRuntime().Run([] {
    BlockingPool pool({.name = "a name that is long", .threads = 1});
    const auto name = pool.Run([] {
      char text[16] = "";
      pthread_getname_np(pthread_self(), text, sizeof(text));
      return std::string(text);
    });
    EXPECT_EQ(*name, "a name that i-0");
  });
}

// --- The queue ---------------------------------------------------------------------------------

TEST(BlockingPoolQueue, WhenFullRefusesAtOnce) {
  TestRuntime().Run([] {
    BlockingPool pool({.name = "files", .threads = 1, .queue = 2});
    Burst running(pool, 1);
    running.WaitUntilAllRun();
    Burst waiting(pool, 2);
    EXPECT_EQ(pool.Stats().queued, 2u);
    EXPECT_EQ(pool.Run([] {}),
              absl::ResourceExhaustedError("the blocking pool 'files' is full: 1 threads are busy "
                                           "and 2 jobs wait; retry later or raise its limits"));
    EXPECT_EQ(pool.Stats().rejected_total, 1u);
    running.End();
  });
}

// All at once, before a thread has woken up: as many as run and wait, and not one less.
TEST(BlockingPoolQueue, ABurstOfThreadsAndQueueIsAccepted) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 3, .queue = 2});
    Burst burst(pool, 6);
    EXPECT_EQ(burst.refused(), 1);
    EXPECT_EQ(pool.Stats().rejected_total, 1u);
  });
}

TEST(BlockingPoolQueue, OfNoneStillRunsAJobPerThread) {
  TestRuntime().Run([] {
    BlockingPool pool({.threads = 1, .queue = 0});
    EXPECT_TRUE(pool.Run([] {}).ok());
    EXPECT_TRUE(pool.Run([] {}).ok());
    Burst burst(pool, 2);
    EXPECT_EQ(burst.refused(), 1);
  });
}

TEST(BlockingPoolQueue, JobsStartInTheOrderOfTheirRun) {
  TestRuntime().Run([] {
    std::string trace;  // Of the one thread.
    BlockingPool pool({.threads = 1});
    Burst burst(pool, 1);
    for (char name = 'a'; name <= 'e'; ++name) {
      burst.group().Spawn([&, name] { return pool.Run([&, name] { trace += name; }); });
    }
    WaitAllBlocked();
    burst.End();
    EXPECT_EQ(trace, "abcde");
  });
}

// --- Bad use -----------------------------------------------------------------------------------

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.

TEST(BlockingPoolDeathTest, ImpossibleNumbersOfThreads) {
  EXPECT_DEATH(BlockingPool({.threads = -1}), "a number of threads that is not negative");
  EXPECT_DEATH(BlockingPool({.min_threads = -1}), "a number of threads that is not negative");
  EXPECT_DEATH(BlockingPool({.threads = 2, .min_threads = 3}),
               "min_threads are at most its threads");
}

TEST(BlockingPoolDeathTest, UseOffFibers) {
  BlockingPool pool({});
  EXPECT_DEATH(pool.Run([] {}).IgnoreError(), "BlockingPool::Run is for fibers");
}

TEST(BlockingPoolDeathTest, UseFromAJob) {
  const auto nest = [] {
    TestRuntime().Run([] {
      BlockingPool pool({});
      pool.Run([&] { pool.Run([] {}).IgnoreError(); }).IgnoreError();
    });
  };
  EXPECT_DEATH(nest(), "a job of a pool, calls the function itself");
}

TEST(BlockingPoolDeathTest, DestroyedWhileAJobRunsOrWaits) {
  const auto destroy = [](int jobs) {
    TestRuntime().Run([jobs] {
      auto* const pool = new BlockingPool({.threads = 1});
      Burst burst(*pool, jobs);
      delete pool;
    });
  };
  EXPECT_DEATH(destroy(1), "a BlockingPool is destroyed while fibers are in its Run\\(\\)");
  EXPECT_DEATH(destroy(2), "a BlockingPool is destroyed while fibers are in its Run\\(\\)");
}

#endif

}  // namespace
}  // namespace weft
