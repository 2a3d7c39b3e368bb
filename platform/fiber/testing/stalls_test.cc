#include "platform/fiber/testing/stalls.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "platform/fiber/fiber.h"

namespace weft {
namespace {

[[gnu::noinline]] void SearchForEver() {
  while (internal::stalls_told.load() == 0) delete new int;
  asm volatile("");
}

TEST(ExpectNoStalls, CodeThatParksPasses) {
  EXPECT_NO_STALLS(absl::Seconds(60), {
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(weft::SleepFor(absl::Hours(1)).ok());
  });
}

TEST(ExpectNoStalls, AStallFailsTheTestWithItsStack) {
  EXPECT_NONFATAL_FAILURE(EXPECT_NO_STALLS(absl::Milliseconds(5), SearchForEver()),
                          "SearchForEver");
}

}  // namespace
}  // namespace weft
