// Runs with WEFT_BLOCKING_CALLS=strict (BUILD).
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

[[gnu::noinline]] void ReadFromDisk() {
  usleep(1);
  asm volatile("");
}

TEST(StrictBlockingCalls, ACallThatBlocksFailsTheTestThatRuns) {
  if (!BlockingCallsAreWatched()) GTEST_SKIP() << "in this build nothing is found";
  EXPECT_NONFATAL_FAILURE_ON_ALL_THREADS(TestRuntime().Run(ReadFromDisk), "ReadFromDisk");
}

}  // namespace
}  // namespace weft
