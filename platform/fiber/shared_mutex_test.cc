#include "platform/fiber/shared_mutex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(SharedMutex, ReadersTogetherWritersAlone) {
  ForEachShuffle(10, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      SharedMutex mutex;
      int readers = 0;
      int readers_max = 0;
      int writers = 0;
      TaskGroup group;
      for (int i = 0; i < 12; ++i) {
        group.Spawn([&, i] {
          if (i % 4 == 0) {
            std::unique_lock<SharedMutex> hold(mutex);
            EXPECT_EQ(++writers, 1);
            EXPECT_EQ(readers, 0);
            EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
            --writers;
          } else {
            std::shared_lock<SharedMutex> hold(mutex);
            EXPECT_EQ(writers, 0);
            readers_max = std::max(readers_max, ++readers);
            EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
            --readers;
          }
        });
      }
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_GE(readers_max, 2);
    });
  });
}

// Starts fibers that enter one after the other, note it, and stay until they are let go.
class Line {
 public:
  explicit Line(SharedMutex& mutex) : mutex_(mutex) {}

  void Reader(char name) {
    Start([this, name] {
      std::shared_lock<SharedMutex> hold(mutex_);
      Stay(name);
    });
  }
  void Writer(char name) {
    Start([this, name] {
      std::unique_lock<SharedMutex> hold(mutex_);
      Stay(name);
    });
  }
  // Whose names are inside now; lets them go.
  std::string Next() {
    WaitAllBlocked();
    std::string names;
    std::swap(names, inside_);
    std::sort(names.begin(), names.end());
    leave_.NotifyAll();
    return names;
  }
  ~Line() { EXPECT_TRUE(group_.Wait().ok()); }

 private:
  template <typename F>
  void Start(F function) {
    group_.Spawn(function);
    WaitAllBlocked();
  }
  void Stay(char name) {
    inside_.push_back(name);
    std::lock_guard<Mutex> hold(leave_mutex_);
    EXPECT_TRUE(leave_.Wait(leave_mutex_).ok());
  }
  SharedMutex& mutex_;
  std::string inside_;
  Mutex leave_mutex_;
  ConditionVariable leave_;
  TaskGroup group_;
};

TEST(SharedMutex, IsFirstComeFirstServedBetweenReadersAndWriters) {
  TestRuntime().Run([] {
    SharedMutex mutex;
    Line line(mutex);
    line.Reader('a');
    line.Reader('b');
    line.Writer('C');
    line.Reader('d');  // Could enter, but not before C.
    line.Reader('e');
    EXPECT_FALSE(mutex.TryLockShared());
    line.Writer('F');
    line.Writer('G');
    line.Reader('h');
    for (const char* names : {"ab", "C", "de", "F", "G", "h"}) EXPECT_EQ(line.Next(), names);
  });
}

TEST(SharedMutex, UnlockHandsOverBeforeTheOthersRun) {
  TestRuntime().Run([] {
    SharedMutex mutex;
    mutex.Lock();
    Line line(mutex);
    line.Reader('a');
    line.Reader('b');
    mutex.Unlock();
    EXPECT_FALSE(mutex.TryLock());  // It belongs to a and b, which have not run yet.
    EXPECT_TRUE(mutex.TryLockShared());
    EXPECT_EQ(line.Next(), "ab");
    WaitAllBlocked();
    line.Writer('C');
    mutex.UnlockShared();
    EXPECT_FALSE(mutex.TryLockShared());
    EXPECT_EQ(line.Next(), "C");
  });
}

TEST(SharedMutex, TryLockNeverWaits) {
  TestRuntime().Run([] {
    SharedMutex mutex;
    ASSERT_TRUE(mutex.TryLock());
    EXPECT_FALSE(mutex.TryLock());
    EXPECT_FALSE(mutex.TryLockShared());
    mutex.Unlock();
    ASSERT_TRUE(mutex.TryLockShared());
    EXPECT_TRUE(mutex.TryLockShared());
    EXPECT_FALSE(mutex.TryLock());
    mutex.UnlockShared();
    EXPECT_FALSE(mutex.TryLock());
    mutex.UnlockShared();
    std::unique_lock<SharedMutex> write(mutex, std::try_to_lock);
    EXPECT_TRUE(write.owns_lock());
    EXPECT_FALSE(std::shared_lock<SharedMutex>(mutex, std::try_to_lock).owns_lock());
  });
}

TEST(SharedMutex, LockAndLockSharedAreDeafToCancellation) {
  for (const bool write : {true, false}) {
    TestRuntime().Run([&] {
      SharedMutex mutex;
      mutex.Lock();
      TaskGroup group;
      bool locked = false;
      group.Spawn([&] {
        write ? mutex.Lock() : mutex.LockShared();
        locked = true;
        write ? mutex.Unlock() : mutex.UnlockShared();
      });
      WaitAllBlocked();
      group.Cancel();
      WaitAllBlocked();
      EXPECT_FALSE(locked);
      mutex.Unlock();
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_TRUE(locked);
    });
  }
}

TEST(SharedMutex, CancellableLocksGiveUpAtTheirDeadline) {
  TestRuntime().Run([] {
    SharedMutex mutex;
    mutex.Lock();
    TaskGroup group;
    group.Spawn([&] {
      const absl::Time start = weft::Now();
      const absl::Status late =
          absl::DeadlineExceededError("the deadline passed while waiting for a shared mutex");
      EXPECT_EQ(mutex.LockCancellable(start + absl::Seconds(1)), late);
      EXPECT_EQ(mutex.LockSharedCancellable(start + absl::Seconds(3)), late);
      EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
      EXPECT_EQ(mutex.LockSharedCancellable(start), late);
    });
    EXPECT_TRUE(group.Wait().ok());
    mutex.Unlock();
    // Nobody was left in the line to be given it; and what is free needs no time.
    const absl::Time past = weft::Now() - absl::Seconds(1);
    EXPECT_TRUE(mutex.LockCancellable(past).ok());
    mutex.Unlock();
    EXPECT_TRUE(mutex.LockSharedCancellable(past).ok());
    mutex.UnlockShared();
  });
}

TEST(SharedMutex, AWriterThatGivesUpLetsTheReadersBehindItIn) {
  TestRuntime().Run([] {
    SharedMutex mutex;
    mutex.LockShared();
    TaskGroup doomed;
    doomed.Spawn([&] { return mutex.LockCancellable(); });
    WaitAllBlocked();
    Line line(mutex);
    line.Reader('a');
    line.Reader('b');
    EXPECT_EQ(line.Next(), "");
    doomed.Cancel();
    EXPECT_EQ(doomed.Wait().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(line.Next(), "ab");
    mutex.UnlockShared();
  });
}

// Unlock and cancel in the same turn, in both orders.
TEST(SharedMutex, CancelDuringTheHandOver) {
  for (const bool write : {true, false}) {
    for (const bool cancel_first : {true, false}) {
      TestRuntime().Run([&] {
        SharedMutex mutex;
        mutex.Lock();
        TaskGroup doomed;
        doomed.Spawn([&]() -> absl::Status {
          absl::Status s = write ? mutex.LockCancellable() : mutex.LockSharedCancellable();
          if (s.ok()) write ? mutex.Unlock() : mutex.UnlockShared();
          return s;
        });
        WaitAllBlocked();
        if (cancel_first) doomed.Cancel();
        mutex.Unlock();
        if (!cancel_first) doomed.Cancel();
        EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
        EXPECT_TRUE(mutex.TryLock());
        mutex.Unlock();
      });
    }
  }
}

TEST(SharedMutex, TakesAFreeMutexInACancelledScope) {
  TestRuntime().Run([] {
    SharedMutex mutex;
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(mutex.LockCancellable().ok());
    mutex.Unlock();
    EXPECT_TRUE(mutex.LockSharedCancellable().ok());
    mutex.UnlockShared();
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(SharedMutexDeathTest, IsNotRecursiveForItsWriter) {
  const auto twice = [](bool write) {
    TestRuntime().Run([write] {
      SharedMutex mutex;
      mutex.Lock();
      write ? mutex.Lock() : mutex.LockShared();
    });
  };
  EXPECT_DEATH(twice(true), "already holds");
  EXPECT_DEATH(twice(false), "already holds");
}

TEST(SharedMutexDeathTest, IsUnlockedByWhoHoldsIt) {
  EXPECT_DEATH(TestRuntime().Run([] {
    SharedMutex mutex;
    mutex.LockShared();
    mutex.Unlock();
  }),
               "unlocked by who holds it for writing");
  EXPECT_DEATH(TestRuntime().Run([] {
    SharedMutex mutex;
    mutex.Lock();
    mutex.UnlockShared();
  }),
               "nobody holds for reading");
}

TEST(SharedMutexDeathTest, IsNotDestroyedWhileLocked) {
  EXPECT_DEATH(TestRuntime().Run([] {
    SharedMutex mutex;
    mutex.LockShared();
  }),
               "destroyed while locked");
}

TEST(SharedMutexDeathTest, IsForFibers) {
  SharedMutex mutex;
  EXPECT_DEATH(mutex.LockShared(), "for fibers");
}
#endif

}  // namespace
}  // namespace weft
