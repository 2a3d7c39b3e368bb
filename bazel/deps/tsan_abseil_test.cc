// Data guarded by Abseil's primitives is no race. Says something under --config=tsan only, where
// each case fails without tsan_abseil.cc.
#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace {

constexpr int kRounds = 1000;

TEST(TsanAbseil, MutexGuardsACounter) {
  absl::Mutex mutex;
  int value = 0;
  auto add = [&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::MutexLock lock(&mutex);
      ++value;
    }
  };
  std::thread thread(add);
  add();
  {
    auto all_added = [&value] { return value == 2 * kRounds; };
    absl::MutexLock lock(&mutex, absl::Condition(&all_added));
    value = 0;
  }
  thread.join();
}

TEST(TsanAbseil, ConditionReadByTheUnlockingThread) {
  absl::Mutex mutex;
  int turn = 0;
  auto play = [&](int mine) {
    for (int i = 0; i < kRounds; ++i) {
      auto my_turn = [&turn, mine] { return turn % 2 == mine; };
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(&my_turn));
      ++turn;
    }
  };
  std::thread thread(play, 1);
  play(0);
  thread.join();
  EXPECT_EQ(turn, 2 * kRounds);
}

TEST(TsanAbseil, CondVarHandsOverData) {
  absl::Mutex mutex;
  absl::CondVar changed;
  bool ready = false;
  std::thread thread([&] {
    absl::MutexLock lock(&mutex);
    ready = true;
    changed.Signal();
  });
  {
    absl::MutexLock lock(&mutex);
    while (!ready) changed.Wait(&mutex);
  }
  thread.join();
}

TEST(TsanAbseil, NotificationHandsOverData) {
  int value = 0;
  absl::Notification waited, polled;
  std::thread thread([&] {
    value = 1;
    waited.Notify();
    polled.Notify();
  });
  waited.WaitForNotification();
  ++value;
  while (!polled.HasBeenNotified()) std::this_thread::yield();
  ++value;
  thread.join();
  EXPECT_EQ(value, 3);
}

TEST(TsanAbseil, BlockingCounterHandsOverData) {
  int values[2] = {0, 0};
  absl::BlockingCounter counter(2);
  auto work = [&](int i) {
    values[i] = 1;
    counter.DecrementCount();
  };
  std::thread first(work, 0), second(work, 1);
  counter.Wait();
  EXPECT_EQ(values[0]++ + values[1]++, 2);
  first.join();
  second.join();
}

}  // namespace
