#include "platform/app/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "absl/time/time.h"

namespace weft::app {
namespace {

TEST(ShutdownSignals, SignalIsReturnedByWait) {
  for (const int signal : {SIGTERM, SIGINT}) {
    ShutdownSignals signals;
    ASSERT_EQ(kill(getpid(), signal), 0);
    EXPECT_EQ(signals.Wait(), signal);
  }
}

TEST(ShutdownSignals, SignalSentByAnotherThreadWakesWait) {
  ShutdownSignals signals;
  std::thread sender([] { kill(getpid(), SIGTERM); });
  EXPECT_EQ(signals.Wait(), SIGTERM);
  sender.join();
}

TEST(ShutdownSignals, RequestFromAnotherThreadWakesWait) {
  ShutdownSignals signals;
  std::thread requester([&] { signals.Request(); });
  EXPECT_EQ(signals.Wait(), ShutdownSignals::kRequested);
  requester.join();
}

TEST(ShutdownSignals, RequestBeforeWaitIsKept) {
  ShutdownSignals signals;
  signals.Request();
  signals.Request();
  EXPECT_EQ(signals.Wait(), ShutdownSignals::kRequested);
  EXPECT_EQ(signals.Wait(absl::ZeroDuration()), ShutdownSignals::kTimeout);
}

TEST(ShutdownSignals, WaitEndsAtItsTimeout) {
  ShutdownSignals signals;
  EXPECT_EQ(signals.Wait(absl::ZeroDuration()), ShutdownSignals::kTimeout);
  EXPECT_EQ(signals.Wait(absl::Milliseconds(1)), ShutdownSignals::kTimeout);
  EXPECT_EQ(signals.Wait(-absl::Seconds(1)), ShutdownSignals::kTimeout);
}

TEST(ShutdownSignals, IgnoredSignalIsStillSeen) {
  ASSERT_NE(signal(SIGINT, SIG_IGN), SIG_ERR);
  {
    ShutdownSignals signals;
    kill(getpid(), SIGINT);
    EXPECT_EQ(signals.Wait(), SIGINT);
  }
  EXPECT_EQ(signal(SIGINT, SIG_DFL), SIG_IGN) << "not given back as it was";
}

TEST(ShutdownSignals, BrokenPipeIsAnErrorOfTheWrite) {
  ShutdownSignals signals;
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  close(fds[0]);
  EXPECT_EQ(write(fds[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(fds[1]);
}

TEST(ShutdownSignals, DestructorUnblocksTheSignals) {
  { ShutdownSignals signals; }
  sigset_t mask;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
  EXPECT_EQ(sigismember(&mask, SIGINT), 0);
}

TEST(ShutdownSignalsDeathTest, SecondSignalExitsAtOnce) {
  for (const int second : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          ShutdownSignals signals;
          kill(getpid(), SIGTERM);
          signals.Wait();
          kill(getpid(), second);
          pause();
        },
        testing::ExitedWithCode(128 + second), "second signal");
  }
}

TEST(ExitOnSignal, LeavesTheSignalsAloneOnceItIsGone) {
  ShutdownSignals signals;
  { ExitOnSignal starting(signals); }
  kill(getpid(), SIGTERM);
  EXPECT_EQ(signals.Wait(), SIGTERM);
}

TEST(ExitOnSignalDeathTest, SignalEndsTheProcess) {
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          ShutdownSignals signals;
          ExitOnSignal starting(signals);
          kill(getpid(), signal);
          while (true) pause();
        },
        testing::ExitedWithCode(128 + signal), "signal while starting");
  }
}

TEST(ShutdownSignalsDeathTest, SecondSignalIsTakenByTheWaitingThreadWhileOthersBlockIt) {
  EXPECT_EXIT(
      {
        ShutdownSignals signals;
        std::thread other([] {
          while (true) pause();
        });
        kill(getpid(), SIGTERM);
        signals.Wait();
        kill(getpid(), SIGTERM);
        other.join();
      },
      testing::ExitedWithCode(128 + SIGTERM), "second signal");
}

}  // namespace
}  // namespace weft::app
