#include "platform/fiber/testing/blocking_calls.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

[[gnu::noinline]] void ReadFromDisk() {
  usleep(1);
  asm volatile("");
}

class ExpectNoBlockingCalls : public testing::Test {
 protected:
  void SetUp() override {
    if (!BlockingCallsAreWatched()) GTEST_SKIP() << "in this build nothing is found";
  }
};

TEST_F(ExpectNoBlockingCalls, CodeThatParksPasses) {
  TestRuntime runtime;
  EXPECT_NO_BLOCKING_CALLS(runtime.Run([] { EXPECT_TRUE(weft::SleepFor(absl::Hours(1)).ok()); }));
}

TEST_F(ExpectNoBlockingCalls, ACallThatBlocksFailsTheTestWithItsStack) {
  EXPECT_NONFATAL_FAILURE(
      {
        TestRuntime runtime;
        EXPECT_NO_BLOCKING_CALLS(runtime.Run(ReadFromDisk));
      },
      "ReadFromDisk");
}

TEST_F(ExpectNoBlockingCalls, ItStandsOnAFiberToo) {
  EXPECT_NONFATAL_FAILURE_ON_ALL_THREADS(
      {
        TestRuntime runtime;
        runtime.Run([] { EXPECT_NO_BLOCKING_CALLS(ReadFromDisk()); });
      },
      "blocks its thread in usleep");
}

TEST_F(ExpectNoBlockingCalls, WhatIsAllowedPasses) {
  TestRuntime runtime;
  EXPECT_NO_BLOCKING_CALLS(runtime.Run([] {
    const AllowBlockingCalls allow;
    ReadFromDisk();
  }));
}

TEST_F(ExpectNoBlockingCalls, OneWithinAnotherIsRefused) {
  EXPECT_DEATH(EXPECT_NO_BLOCKING_CALLS(EXPECT_NO_BLOCKING_CALLS(ReadFromDisk())),
               "an EXPECT_NO_BLOCKING_CALLS is within another one");
}

}  // namespace
}  // namespace weft
