#include "platform/fiber/internal/fiber_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weft::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(FiberNotes, EachFiberGetsItsOwnTextsAndStack) {
  FiberNotes notes;
  const uintptr_t stack[] = {10, 20, 30};
  std::string name = "shop.v1.Shop/Get";
  notes.Add({.id = 1, .age_nanos = 5},
            {.state = "parked", .waits_for = "mutex", .name = name, .stack = stack});
  notes.Add({.id = 2}, {.state = "ready", .cancelled = "drain"});
  name = "other";  // The notes have their own.
  notes.Add({.id = 3}, {.state = "running", .name = name, .trace_id = "4bf9", .stack = {stack, 1}});
  std::vector<FiberInfo> infos(1);
  notes.AppendTo(&infos);
  ASSERT_THAT(infos, SizeIs(4));
  EXPECT_EQ(infos[1].id, 1u);
  EXPECT_EQ(infos[1].age_nanos, 5);
  EXPECT_EQ(infos[1].state, "parked");
  EXPECT_EQ(infos[1].waits_for, "mutex");
  EXPECT_EQ(infos[1].name, "shop.v1.Shop/Get");
  EXPECT_EQ(infos[1].trace_id, "");
  EXPECT_THAT(infos[1].stack, ElementsAre(10, 20, 30));
  EXPECT_EQ(infos[2].name, "");
  EXPECT_EQ(infos[2].cancelled, "drain");
  EXPECT_THAT(infos[2].stack, IsEmpty());
  EXPECT_EQ(infos[3].name, "other");
  EXPECT_EQ(infos[3].trace_id, "4bf9");
  EXPECT_EQ(infos[3].state, "running");
  EXPECT_THAT(infos[3].stack, ElementsAre(10));
}

}  // namespace
}  // namespace weft::internal
