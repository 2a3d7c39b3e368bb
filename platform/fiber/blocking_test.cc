#include "platform/fiber/blocking.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "platform/base/cpu_quota.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using internal::ThreadEvent;

std::string ThreadName() {
  char text[16] = "";
  pthread_getname_np(pthread_self(), text, sizeof(text));
  return text;
}

TEST(Blocking, RunsTheFunctionOnThePoolOfItsKind) {
  TestRuntime().Run([] {
    EXPECT_EQ(*Blocking(ThreadName), "blocking-0");
    EXPECT_EQ(*Compute(ThreadName), "compute-0");
    EXPECT_EQ(Runtime::Current()->blocking_pool().Stats().finished_total, 1u);
    EXPECT_EQ(Runtime::Current()->compute_pool().Stats().finished_total, 1u);
  });
}

TEST(Blocking, ReturnsWhatTheFunctionReturned) {
  TestRuntime().Run([] {
    EXPECT_TRUE(Blocking([] {}).ok());
    EXPECT_EQ(Compute([] { return absl::NotFoundError("x"); }), absl::NotFoundError("x"));
    EXPECT_EQ(Compute([] { throw std::runtime_error("boom"); }).code(),
              absl::StatusCode::kInternal);
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(Blocking([] { return 1; }).status().code(), absl::StatusCode::kCancelled);
  });
}

TEST(Blocking, TheRuntimesOptionsSizeThePools) {
  TestRuntime runtime({.blocking_threads = 3, .blocking_queue = 0, .compute_threads = 5});
  EXPECT_EQ(runtime.runtime().blocking_pool().Stats().name, "blocking");
  EXPECT_EQ(runtime.runtime().blocking_pool().Stats().threads_max, 3);
  EXPECT_EQ(runtime.runtime().compute_pool().Stats().name, "compute");
  EXPECT_EQ(runtime.runtime().compute_pool().Stats().threads_max, 5);
}

TEST(Blocking, ComputeHasAThreadForEachCpu) {
  TestRuntime runtime;
  EXPECT_EQ(runtime.runtime().compute_pool().Stats().threads_max, AllowedCpus());
}

TEST(Blocking, NeitherKindWaitsForTheOther) {
  TestRuntime runtime(
      {.blocking_threads = 1, .blocking_queue = 0, .compute_threads = 1, .compute_queue = 0});
  runtime.Run([] {
    ThreadEvent release;
    TaskGroup group;
    group.Spawn([&] { return Compute([&] { release.Wait(); }); });
    WaitAllBlocked();
    EXPECT_TRUE(absl::IsResourceExhausted(Compute([] {})));
    EXPECT_TRUE(Blocking([] {}).ok());
    release.Notify();
    EXPECT_TRUE(group.Wait().ok());

    ThreadEvent release_blocking;
    TaskGroup other;
    other.Spawn([&] { return Blocking([&] { release_blocking.Wait(); }); });
    WaitAllBlocked();
    EXPECT_TRUE(absl::IsResourceExhausted(Blocking([] {})));
    EXPECT_TRUE(Compute([] {}).ok());
    release_blocking.Notify();
    EXPECT_TRUE(other.Wait().ok());
  });
}

// On real threads and the real clock: two shards at one pool, and threads that come and go.
TEST(Blocking, AllShardsShareThePools) {
  Runtime runtime({.shards = 2, .blocking_threads = 2, .blocking_queue = 1000});
  std::atomic<int> ran{0};
  std::thread others[2];
  for (int shard = 0; shard < 2; ++shard) {
    others[shard] = std::thread([&, shard] {
      runtime.Run(
          [&] {
            TaskGroup group;
            for (int i = 0; i < 8; ++i) {
              group.Spawn([&] {
                for (int n = 0; n < 100; ++n) EXPECT_TRUE(Blocking([&] { ++ran; }).ok());
              });
            }
            EXPECT_TRUE(group.Wait().ok());
          },
          shard);
    });
  }
  for (std::thread& other : others) other.join();
  EXPECT_EQ(ran, 1600);
  EXPECT_EQ(runtime.blocking_pool().Stats().finished_total, 1600u);
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(BlockingDeathTest, UseOffFibers) {
  EXPECT_DEATH(Blocking([] {}).IgnoreError(), "Blocking\\(\\) is for fibers");
  EXPECT_DEATH(Compute([] {}).IgnoreError(), "Compute\\(\\) is for fibers");
  EXPECT_DEATH(TestRuntime().Run([] { Blocking([] { return Compute([] {}); }).IgnoreError(); }),
               "Compute\\(\\) is for fibers");
}
#endif

}  // namespace
}  // namespace weft
