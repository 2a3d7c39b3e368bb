// Waits for other threads and for processes, and parks with a lock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "platform/fiber/blocking_calls_suite.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// --- Threads and processes ---------------------------------------------------------------------

TEST_F(BlockingCallsTest, ConditionVariables) {
  std::mutex mutex;
  std::condition_variable condition;
  bool done = false;
  std::thread notifier;
  const auto notify = [&] {
    notifier = std::thread([&] {
      std::lock_guard<std::mutex> hold(mutex);
      done = true;
      condition.notify_all();
    });
  };
  const auto is_done = [&] { return done; };
  EXPECT_THAT(Found(
                  [&] {
                    std::unique_lock<std::mutex> hold(mutex);
                    condition.wait(hold, is_done);
                  },
                  notify),
              ElementsAre("pthread_cond_wait"));
  notifier.join();
  done = false;
  EXPECT_THAT(Found(
                  [&] {
                    std::unique_lock<std::mutex> hold(mutex);
                    condition.wait_for(hold, std::chrono::hours(1), is_done);
                  },
                  notify),
              ElementsAre("pthread_cond_clockwait"));
  notifier.join();
  const timespec long_ago = {};
  EXPECT_THAT(Found([&] {
                std::lock_guard<std::mutex> hold(mutex);
                pthread_cond_timedwait(condition.native_handle(), mutex.native_handle(), &long_ago);
              }),
              ElementsAre("pthread_cond_timedwait"));
}

TEST_F(BlockingCallsTest, Semaphores) {
  sem_t semaphore;
  ASSERT_EQ(sem_init(&semaphore, 0, 1), 0);
  const auto post = [&] { sem_post(&semaphore); };
  EXPECT_THAT(Found([&] { EXPECT_EQ(sem_wait(&semaphore), 0); }), IsEmpty()) << "it is free";
  EXPECT_THAT(Found([&] { EXPECT_EQ(sem_wait(&semaphore), 0); }, post), ElementsAre("sem_wait"));
  timespec far = {};
  clock_gettime(CLOCK_REALTIME, &far);
  far.tv_sec += 3600;
  EXPECT_THAT(Found([&] { EXPECT_EQ(sem_timedwait(&semaphore, &far), 0); }, post),
              ElementsAre("sem_timedwait"));
  EXPECT_THAT(Found([&] { EXPECT_EQ(sem_clockwait(&semaphore, CLOCK_REALTIME, &far), 0); }, post),
              ElementsAre("sem_clockwait"));
  sem_destroy(&semaphore);
}

TEST_F(BlockingCallsTest, JoiningAThreadThatRuns) {
  absl::Notification go;
  std::thread thread([&] { go.WaitForNotification(); });
  EXPECT_THAT(Found([&] { thread.join(); }, [&] { go.Notify(); }), ElementsAre("pthread_join"));
}

TEST_F(BlockingCallsTest, WaitingForAProcess) {
  const auto start = [](const Pipe& go) {
    const pid_t child = fork();
    if (child == 0) {
      char c;
      [[maybe_unused]] const ssize_t got = read(go.reader(), &c, 1);
      _exit(7);
    }
    return child;
  };
  for (const std::string name : {"waitpid", "wait4", "wait"}) {
    Pipe go;
    const pid_t child = start(go);
    int status = 0;
    const auto wait_for_it = [&] {
      const pid_t ended = name == "waitpid" ? waitpid(child, &status, 0)
                          : name == "wait4" ? wait4(child, &status, 0, nullptr)
                                            : wait(&status);
      EXPECT_EQ(ended, child);
    };
    EXPECT_THAT(Found(wait_for_it, [&] { go.Fill(); }), ElementsAre(name));
    EXPECT_EQ(WEXITSTATUS(status), 7);
  }
}

TEST_F(BlockingCallsTest, WaitsOfAbseil) {
  absl::Notification notification;
  EXPECT_THAT(Found([&] { notification.WaitForNotification(); }, [&] { notification.Notify(); }),
              ElementsAre(HasSubstr("Notification::WaitForNotification")));
}

// --- Locks -------------------------------------------------------------------------------------

// A lock that somebody else gives back only when the fiber waits for it; after a while, since a
// short wait is not reported.
template <typename Lock, typename Unlock, typename Take>
void WaitForALock(TestRuntime& runtime, Lock lock, Unlock unlock, Take take) {
  std::atomic<bool> locked{false};
  std::atomic<pid_t> waiter{0};
  std::thread holder([&] {
    lock();
    locked = true;
    while (waiter == 0) std::this_thread::yield();
    usleep(5'000);
    unlock();
  });
  while (!locked) std::this_thread::yield();
  runtime.Run([&] {
    waiter = gettid();
    take();
  });
  holder.join();
}

TEST_F(BlockingCallsTest, ALongWaitForAMutex) {
  calls_.clear();
  std::mutex mutex;
  // The wait may be short on a busy machine: once in a while it is long.
  while (calls_.empty()) {
    WaitForALock(
        runtime_, [&] { mutex.lock(); }, [&] { mutex.unlock(); },
        [&] { std::lock_guard<std::mutex> hold(mutex); });
  }
  EXPECT_EQ(calls_[0].function, "pthread_mutex_lock");
  EXPECT_EQ(calls_[0].kind, BlockingCallKind::kWaitsForLock);
  EXPECT_GE(calls_[0].nanos, 1'000'000);
  EXPECT_THAT(ToString(calls_[0]), HasSubstr("in pthread_mutex_lock for a lock of threads"));
}

class LockingObserver final : public RuntimeObserver {
 public:
  explicit LockingObserver(std::mutex& mutex) : mutex_(mutex) {}
  void OnBlockingCall(const FiberLocals& /*locals*/, const BlockingCall& call) noexcept override {
    std::lock_guard<std::mutex> hold(mutex_);
    if (call.kind == BlockingCallKind::kWaitsForLock) told_ = true;
  }
  bool told() const { return told_; }

 private:
  std::mutex& mutex_;
  std::atomic<bool> told_{false};
};

// Such as that of a log, of which a report will be a line.
TEST_F(BlockingCallsTest, TheObserverMayTakeTheLockThatWasWaitedFor) {
  SetBlockingCallHandler(nullptr);
  std::mutex mutex;
  LockingObserver observer(mutex);
  TestRuntime runtime({.observer = &observer});
  while (!observer.told()) {
    WaitForALock(
        runtime, [&] { mutex.lock(); }, [&] { mutex.unlock(); },
        [&] { std::lock_guard<std::mutex> hold(mutex); });
  }
}

TEST_F(BlockingCallsTest, ALongWaitForAMutexOfAbseil) {
  calls_.clear();
  absl::Mutex mutex;
  while (calls_.empty()) {
    WaitForALock(
        runtime_, [&] { mutex.Lock(); }, [&] { mutex.Unlock(); },
        [&] { absl::MutexLock hold(&mutex); });
  }
  EXPECT_EQ(calls_[0].kind, BlockingCallKind::kWaitsForLock);
  EXPECT_EQ(calls_[0].function, "absl::Mutex");
  EXPECT_THAT(calls_[0].stack, Contains(HasSubstr("Mutex::Lock")));
}

TEST_F(BlockingCallsTest, ALockThatIsFreeIsNotReported) {
  std::mutex mutex;
  std::shared_mutex shared;
  absl::Mutex abseil;
  EXPECT_THAT(Found([&] {
                std::lock_guard<std::mutex> one(mutex);
                std::unique_lock<std::shared_mutex> two(shared);
                absl::MutexLock three(&abseil);
              }),
              IsEmpty());
}

[[gnu::noinline]] void ParkWithLock(std::mutex& mutex) {
  std::lock_guard<std::mutex> hold(mutex);
  EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
}

TEST_F(BlockingCallsTest, AParkWithALock) {
  std::mutex mutex;
  EXPECT_THAT(Found([&] {
                EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
                ParkWithLock(mutex);
                EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
              }),
              ElementsAre("park"));
  EXPECT_EQ(calls_[0].kind, BlockingCallKind::kParksWithLock);
  EXPECT_EQ(calls_[0].locks, 1);
  EXPECT_THAT(calls_[0].stack[0], HasSubstr("weft::Sleep"));
  EXPECT_THAT(calls_[0].stack, Contains(HasSubstr("ParkWithLock")));
  EXPECT_THAT(ToString(calls_[0]), HasSubstr("while it holds 1 lock of its thread"));
}

TEST_F(BlockingCallsTest, AYieldAndAnEndWithALock) {
  std::mutex one;
  std::shared_mutex two;
  absl::Mutex three;
  EXPECT_THAT(Found([&] {
                one.lock();
                two.lock_shared();
                three.Lock();
                weft::Yield();
                three.Unlock();
              }),
              ElementsAre("park", "park"));
  EXPECT_EQ(calls_[0].locks, 3);
  EXPECT_EQ(calls_[1].locks, 2);
  two.unlock_shared();
  one.unlock();
  // The next body on that stack starts with none.
  EXPECT_THAT(Found([] { weft::Yield(); }), IsEmpty());
}

// Whichever way it was taken and given back.
TEST_F(BlockingCallsTest, AParkAfterALockIsNotReported) {
  std::mutex mutex;
  std::shared_mutex shared;
  absl::Mutex abseil;
  bool yes = true;
  EXPECT_THAT(Found([&] {
                EXPECT_TRUE(mutex.try_lock());
                mutex.unlock();
                EXPECT_TRUE(shared.try_lock_shared());
                shared.unlock_shared();
                EXPECT_TRUE(abseil.TryLock());
                abseil.Unlock();
                abseil.ReaderLock();
                abseil.ReaderUnlock();
                EXPECT_TRUE(abseil.ReaderTryLock());
                abseil.ReaderUnlock();
                abseil.LockWhen(absl::Condition(&yes));
                abseil.Unlock();
                absl::ReleasableMutexLock released(&abseil);
                released.Release();
                weft::Yield();
              }),
              IsEmpty());
}

TEST_F(BlockingCallsTest, EachFiberAnswersForItsOwnLocks) {
  std::mutex mutex;
  EXPECT_THAT(Found([&] {
                const AllowBlockingCalls allow;
                std::lock_guard<std::mutex> hold(mutex);
                TaskGroup group;
                group.Spawn("other", [] { weft::Yield(); });
                EXPECT_TRUE(group.Wait().ok());
              }),
              IsEmpty());
}

}  // namespace
}  // namespace weft
