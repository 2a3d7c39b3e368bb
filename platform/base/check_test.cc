#include "platform/base/check.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Check, LetsWhatHoldsPass) { Check(1 + 1 == 2, "arithmetic"); }

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(CheckDeathTest, SaysWhatIsBrokenAndWhere) {
  EXPECT_DEATH(Check(false, "tell the caller what to do"),
               "weft: tell the caller what to do \\(.*check_test\\.cc:[0-9]+ in .*TestBody");
}
#endif

}  // namespace
}  // namespace weft
