#include "platform/app/exit_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/time/time.h"

namespace weft::app {
namespace {

TEST(ExitGuard, IsHarmlessWhenDestroyedInTime) {
  ExitGuard guard(absl::Hours(1));
  guard.Enter("something quick");
}

TEST(ExitGuardDeathTest, HangingStepIsNamedAndTheProcessEnds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ExitGuard guard(absl::Milliseconds(1));
        guard.Enter("waiting for nothing");
        while (true) pause();
      },
      testing::ExitedWithCode(1), "shutdown hangs.*");
}

}  // namespace
}  // namespace weft::app
