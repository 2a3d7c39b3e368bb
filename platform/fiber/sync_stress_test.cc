// As stress_test.cc, for semaphores, shared mutexes, latches, events, barriers, CallOnce, futures
// and rate limiters: fibers of three shards, and plain threads, at the same objects.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <vector>

#include "platform/fiber/barrier.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/future.h"
#include "platform/fiber/latch.h"
#include "platform/fiber/once.h"
#include "platform/fiber/rate_limiter.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/semaphore.h"
#include "platform/fiber/shared_mutex.h"
#include "platform/fiber/stress.h"

namespace weft {
namespace {

constexpr int kShards = 3;

std::minstd_rand RandomOf(int id) { return std::minstd_rand(static_cast<unsigned>(id) * 7919 + 1); }

TEST(SyncStress, SemaphoreOfThreeShardsAndAThread) {
  constexpr size_t kPermits = 5;
  Runtime runtime({.shards = kShards});
  Semaphore semaphore(kPermits);
  std::atomic<size_t> out{0};
  std::atomic<bool> done{false};
  std::thread thread([&] {
    for (; !done; std::this_thread::yield()) {
      if (!semaphore.TryAcquire(2)) continue;
      EXPECT_LE(out += 2, kPermits);
      out -= 2;
      semaphore.Release(2);
    }
  });
  OnAllShards(runtime, 6, [&](int id) {
    std::minstd_rand random = RandomOf(id);
    for (int turn = 0; turn < 2000; ++turn) {
      const size_t n = 1 + random() % kPermits;
      CancelScope scope({.deadline = turn % 3 == 0 ? SoonOrLater(random) : absl::InfiniteFuture()});
      if (!semaphore.Acquire(n, turn % 3 == 1 ? SoonOrLater(random) : absl::InfiniteFuture())
               .ok()) {
        continue;
      }
      EXPECT_LE(out += n, kPermits);
      if (turn % 7 == 0) Yield();
      out -= n;
      semaphore.Release(n);
    }
  });
  done = true;
  thread.join();
  EXPECT_EQ(semaphore.available(), kPermits);
}

TEST(SyncStress, SharedMutexOfThreeShards) {
  Runtime runtime({.shards = kShards});
  SharedMutex mutex;
  int64_t counter = 0;  // Guarded by mutex.
  std::atomic<int64_t> model{0};
  std::atomic<int> readers{0};
  OnAllShards(runtime, 6, [&](int id) {
    std::minstd_rand random = RandomOf(id);
    for (int turn = 0; turn < 2000; ++turn) {
      const bool limited = turn % 3 == 0;
      if (random() % 4 == 0) {
        if (!limited) {
          mutex.Lock();
        } else if (!mutex.LockCancellable(SoonOrLater(random)).ok()) {
          continue;
        }
        EXPECT_EQ(readers, 0);
        ++counter;
        ++model;
        if (turn % 7 == 0) Yield();
        mutex.Unlock();
      } else {
        if (!limited) {
          mutex.LockShared();
        } else if (!mutex.LockSharedCancellable(SoonOrLater(random)).ok()) {
          continue;
        }
        ++readers;
        EXPECT_EQ(counter, model);
        if (turn % 5 == 0) Yield();
        --readers;
        mutex.UnlockShared();
      }
    }
  });
  EXPECT_EQ(counter, model);
  EXPECT_EQ(readers, 0);
}

// Latches and events that live on the waiter's stack and end as soon as it was let go, by plain
// threads and by fibers of other shards.
TEST(SyncStress, LatchAndEventEndWithTheirWaiter) {
  Runtime runtime({.shards = kShards});
  constexpr int kTurns = 100;
  Semaphore ready(1);  // One mailbox, passed from the waiting fibers to the thread.
  std::atomic<Latch*> latch_box{nullptr};
  std::atomic<Event*> event_box{nullptr};
  std::atomic<int> left{kShards * 2 * kTurns};
  std::thread thread([&] {
    for (; left > 0; std::this_thread::yield()) {
      if (Latch* const latch = latch_box.exchange(nullptr)) latch->CountDown();
      if (Event* const event = event_box.exchange(nullptr)) event->Set();
    }
  });
  OnAllShards(runtime, 2, [&](int id) {
    for (int turn = 0; turn < kTurns; ++turn) {
      EXPECT_TRUE(ready.Acquire().ok());
      if ((turn + id) % 2 == 0) {
        Latch latch(1);
        latch_box = &latch;
        EXPECT_TRUE(latch.Wait().ok());
      } else {
        Event event;
        event_box = &event;
        while (id % 4 == 0 && !event.IsSet()) Yield();
        EXPECT_TRUE(event.Wait().ok());
      }
      ready.Release();
      --left;
    }
  });
  thread.join();
}

// Phases of all shards in step; in some rounds a party gives up, and all see that it is broken.
TEST(SyncStress, BarrierOfThreeShards) {
  constexpr int kFibers = 3;
  constexpr size_t kParties = kShards * kFibers;
  Runtime runtime({.shards = kShards});
  for (int round = 0; round < 30; ++round) {
    int completions = 0;  // Guarded by the barrier.
    std::atomic<int> arrived{0};
    std::atomic<int> passed{0};
    Barrier barrier(kParties, [&] {
      EXPECT_EQ(arrived, static_cast<int>(kParties));
      arrived = 0;
      ++completions;
      Yield();
    });
    OnAllShards(runtime, kFibers, [&](int id) {
      std::minstd_rand random = RandomOf(id + round * 100);
      for (int phase = 1; phase <= 40; ++phase) {
        const bool hurries = round % 2 == 1 && random() % 50 == 0;
        if (random() % 3 == 0) Yield();
        ++arrived;
        if (!barrier.ArriveAndWait(hurries ? SoonOrLater(random) : absl::InfiniteFuture()).ok()) {
          EXPECT_TRUE(barrier.broken());
          return;
        }
        EXPECT_EQ(completions, phase);
        ++passed;
      }
    });
    EXPECT_EQ(passed, completions * static_cast<int>(kParties));
    EXPECT_TRUE(barrier.broken() || completions == 40);
  }
}

TEST(SyncStress, CallOnceOfThreeShards) {
  Runtime runtime({.shards = kShards});
  for (int round = 0; round < 200; ++round) {
    Once once;
    int made = 0;  // Guarded by once.
    std::atomic<int> attempts{0};
    OnAllShards(runtime, 4, [&](int id) {
      std::minstd_rand random = RandomOf(id + round * 100);
      for (;;) {
        const absl::Status status = CallOnce(
            once,
            [&]() -> absl::Status {
              ++made;
              Yield();
              if (++attempts < 5) {
                --made;
                return absl::UnavailableError("not yet");
              }
              return absl::OkStatus();
            },
            random() % 2 == 0 ? SoonOrLater(random) : absl::InfiniteFuture());
        if (status.ok()) break;
      }
      EXPECT_EQ(made, 1);
    });
    EXPECT_EQ(attempts, 5);
  }
}

// Fibers hand promises to a plain thread, which sets some and drops others; some fibers lose
// patience meanwhile, and some drop the future.
TEST(SyncStress, FuturesOfAThread) {
  Runtime runtime({.shards = kShards});
  struct Call {
    Promise<std::unique_ptr<int>> promise;
    int value;
  };
  std::mutex mutex;
  std::vector<Call> calls;  // Guarded by mutex.
  std::atomic<bool> done{false};
  std::thread thread([&] {
    for (; !done; std::this_thread::yield()) {
      std::vector<Call> taken;
      {
        std::lock_guard<std::mutex> hold(mutex);
        taken.swap(calls);
      }
      for (Call& call : taken) {
        if (call.value % 5 != 0) call.promise.Set(std::make_unique<int>(call.value));
      }
    }
  });
  OnAllShards(runtime, 6, [&](int id) {
    std::minstd_rand random = RandomOf(id);
    for (int turn = 0; turn < 1000; ++turn) {
      const int value = id * 1000 + turn;
      Promise<std::unique_ptr<int>> promise;
      auto future = promise.GetFuture();
      {
        std::lock_guard<std::mutex> hold(mutex);
        calls.push_back({std::move(promise), value});
      }
      if (random() % 8 == 0) continue;
      while (future.valid()) {
        const auto got =
            future.Get(random() % 2 == 0 ? SoonOrLater(random) : absl::InfiniteFuture());
        if (future.valid()) {
          EXPECT_TRUE(absl::IsDeadlineExceeded(got.status())) << got.status();
        } else if (value % 5 == 0) {
          EXPECT_TRUE(absl::IsInternal(got.status())) << got.status();
        } else {
          EXPECT_EQ(**got, value);
        }
      }
    }
  });
  done = true;
  thread.join();
}

TEST(SyncStress, RateLimiterOfThreeShardsAndAThread) {
  constexpr double kRate = 20'000;
  constexpr size_t kBurst = 10;
  Runtime runtime({.shards = kShards});
  RateLimiter limiter({.rate_per_second = kRate, .burst = kBurst, .clock = &runtime.clock()});
  std::atomic<size_t> given{0};
  std::atomic<bool> done{false};
  const absl::Time start = runtime.clock().Now();
  std::thread thread([&] {
    for (; !done; std::this_thread::yield()) given += limiter.TryAcquire() ? 1 : 0;
  });
  OnAllShards(runtime, 4, [&](int id) {
    std::minstd_rand random = RandomOf(id);
    for (int turn = 0; turn < 40; ++turn) {
      const size_t n = 1 + random() % 4;
      CancelScope scope({.deadline = turn % 3 == 0 ? SoonOrLater(random) + absl::Milliseconds(1)
                                                   : absl::InfiniteFuture()});
      if (turn % 5 == 0) scope.Cancel();
      const absl::Status status = limiter.Acquire(n);
      EXPECT_TRUE(status.ok() || turn % 3 == 0 || turn % 5 == 0) << status;
      if (status.ok()) given += n;
    }
  });
  done = true;
  thread.join();
  const double seconds = absl::ToDoubleSeconds(runtime.clock().Now() - start);
  EXPECT_LE(static_cast<double>(given), kBurst + kRate * (seconds + 0.002) + 1);
}

}  // namespace
}  // namespace weft
