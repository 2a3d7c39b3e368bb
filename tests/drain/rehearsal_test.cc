// A short form of `rehearse`: README.md.
#include "tests/drain/rehearsal.h"

#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

namespace weft::drain {
namespace {

TEST(Rehearsal, NoAcceptedCallIsLostAndTheDrainEnds) {
  for (int i = 0; i < 5; ++i) {
    const RehearsalOptions options;
    const RehearsalReport report = Rehearse(options);
    EXPECT_TRUE(report.faults.empty()) << absl::StrJoin(report.faults, "\n");
    // There was something to be lost.
    EXPECT_GT(report.in_flight, 0);
    EXPECT_GT(report.begun_in_grace, 0);
    EXPECT_GT(report.answered, report.in_flight);
    EXPECT_EQ(report.cancelled, 2 * options.connections);
  }
}

}  // namespace
}  // namespace weft::drain
