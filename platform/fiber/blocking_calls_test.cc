#include "platform/fiber/blocking_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "platform/fiber/blocking_calls_suite.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/fiber_local.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

[[gnu::noinline]] void TakeANap() {
  usleep(1);
  asm volatile("");
}

TEST_F(BlockingCallsTest, TheReportSaysWhoAndWhere) {
  EXPECT_THAT(Found([] { TakeANap(); }), ElementsAre("usleep"));
  const BlockingCall& call = calls_[0];
  EXPECT_EQ(call.kind, BlockingCallKind::kBlocks);
  EXPECT_EQ(call.fiber_id, 1u);
  EXPECT_EQ(call.fiber_name, "Runtime::Run");
  EXPECT_EQ(call.stack[0], "usleep");
  EXPECT_THAT(call.stack[1], HasSubstr("TakeANap"));
  EXPECT_THAT(ToString(call),
              HasSubstr("fiber 1 'Runtime::Run' on shard 0 blocks its thread in usleep:\n"
                        "    usleep\n    weft::"));
}

TEST_F(BlockingCallsTest, Sleeps) {
  const timespec moment = {.tv_sec = 0, .tv_nsec = 1};
  EXPECT_THAT(Found([&] { nanosleep(&moment, nullptr); }), ElementsAre("nanosleep"));
  EXPECT_THAT(Found([&] { clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr); }),
              ElementsAre("clock_nanosleep"));
  EXPECT_THAT(Found([] { usleep(0); }), IsEmpty());
  EXPECT_THAT(Found([] { sleep(0); }), IsEmpty());
}

TEST_F(BlockingCallsTest, OffFibersEverythingMayBlock) {
  calls_.clear();
  usleep(1);
  absl::Notification posted;
  runtime_.runtime().Post(0, [&] {
    usleep(1);
    posted.Notify();
  });
  posted.WaitForNotification();
  BlockingPool pool({.threads = 1});
  EXPECT_THAT(Found([&] { EXPECT_TRUE(pool.Run([] { usleep(1); }).ok()); }), IsEmpty());
}

TEST_F(BlockingCallsTest, WhatIsAllowedIsNotReported) {
  EXPECT_THAT(Found([] {
                {
                  const AllowBlockingCalls allow;
                  const AllowBlockingCalls again;
                  usleep(1);
                }
                usleep(2);
              }),
              ElementsAre("usleep"));
  const AllowBlockingCalls off_fibers;
}

// Another fiber that runs while the first one is parked has asked for nothing.
TEST_F(BlockingCallsTest, AllowingIsTheFibersOwn) {
  EXPECT_THAT(Found([this] {
                TaskGroup group;
                group.Spawn("other", [] { usleep(1); });
                const AllowBlockingCalls allow;
                EXPECT_TRUE(group.Wait().ok());
                usleep(1);
              }),
              ElementsAre("usleep"));
  EXPECT_EQ(calls_[0].fiber_name, "other");
}

TEST_F(BlockingCallsTest, TheReportItselfMayBlock) {
  EXPECT_THAT(Found([] { usleep(1); }, [] { usleep(1); }), ElementsAre("usleep"));
}

TEST_F(BlockingCallsTest, TheReportKeepsErrno) {
  EXPECT_THAT(Found(
                  [] {
                    errno = 7;
                    usleep(1);
                    EXPECT_EQ(errno, 7);
                  },
                  [] { errno = EIO; }),
              ElementsAre("usleep"));
}

// --- To whom -----------------------------------------------------------------------------------

FiberLocal<int>& Customer() {
  static FiberLocal<int> customer;
  return customer;
}

class Observer final : public RuntimeObserver {
 public:
  void OnBlockingCall(const FiberLocals& locals, const BlockingCall& call) noexcept override {
    EXPECT_EQ(*Customer().FindIn(locals), 7);
    calls.push_back(call);
  }
  std::vector<BlockingCall> calls;
};

class BlockingCallsObserver : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!BlockingCallsAreWatched()) GTEST_SKIP() << "in this build nothing is found";
  }
};

TEST_F(BlockingCallsObserver, IsToldOfEachCallButOfEachStackOnce) {
  Observer observer;
  const BlockingCallHandler before = SetBlockingCallHandler(nullptr);
  {
    Runtime runtime({.shards = 1, .observer = &observer});
    runtime.Run([] {
      Customer().Get() = 7;
      volatile int naps = 3;  // Else each may be called from a place of its own.
      while (naps > 0) {
        TakeANap();
        naps = naps - 1;
      }
      usleep(1);
    });
  }
  SetBlockingCallHandler(before);
  ASSERT_THAT(observer.calls, SizeIs(4));
  for (const int i : {0, 3}) {
    EXPECT_FALSE(observer.calls[i].repeated);
    EXPECT_THAT(observer.calls[i].stack, Contains("usleep"));
  }
  for (const int i : {1, 2}) {
    EXPECT_TRUE(observer.calls[i].repeated);
    EXPECT_EQ(observer.calls[i].function, "usleep");
    EXPECT_THAT(observer.calls[i].stack, IsEmpty());
  }
}

TEST_F(BlockingCallsObserver, WithoutOneReportsGoToStandardError) {
  const BlockingCallHandler before = SetBlockingCallHandler(nullptr);
  testing::internal::CaptureStderr();
  {
    Runtime runtime({.shards = 1});
    runtime.Run([] { usleep(1); });
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("blocks its thread in usleep"));
  SetBlockingCallHandler(before);
}

}  // namespace
}  // namespace weft
