#include "platform/app/fibers_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft::app {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RenderFibers, NoFibersIsOneLineAndTheHeadings) {
  EXPECT_EQ(RenderFibers({}, {}, {{.shard = 0, .idle = 4}}),
            "0 fibers on 1 shards: 0 running, 0 ready, 0 parked; 4 idle stacks\n"
            "\n"
            "SHARD  ID  STATE  AGE  IN STATE  DEADLINE IN  NAME  WAITS FOR\n");
}

TEST(RenderFibers, FibersAreShownOldestFirst) {
  const std::vector<FiberInfo> fibers = {
      {.id = 7,
       .shard = 0,
       .state = "running",
       .name = "a.v1.A/Young",
       .waits_for = "",
       .age_nanos = 1'500,
       .state_nanos = 200},
      {.id = 12,
       .shard = 1,
       .state = "parked",
       .name = "a.v1.A/Old",
       .waits_for = "rpc reply",
       .age_nanos = 12'345'678'901,
       .state_nanos = 2'345'678,
       .deadline_left_nanos = 40'000'000},
      {.id = 8,
       .shard = 0,
       .state = "parked",
       .name = "late",
       .waits_for = "sleep",
       .age_nanos = 2'000'000,
       .state_nanos = 1'000'000,
       .deadline_left_nanos = -5'000'000},
  };
  EXPECT_EQ(RenderFibers(fibers, {},
                         {{.shard = 0, .running = 1, .parked = 1}, {.shard = 1, .parked = 1}}),
            "3 fibers on 2 shards: 1 running, 0 ready, 2 parked; 0 idle stacks\n"
            "\n"
            "SHARD  ID  STATE    AGE      IN STATE  DEADLINE IN  NAME          WAITS FOR\n"
            "1      12  parked   12.345s  2.345ms   40ms         a.v1.A/Old    rpc reply\n"
            "0      8   parked   2ms      1ms       over by 5ms  late          sleep\n"
            "0      7   running  1.5us    200ns     -            a.v1.A/Young  -\n");
}

TEST(RenderFibers, StuckShardIsNamed) {
  EXPECT_THAT(RenderFibers({}, {3}, {}), HasSubstr("\nshard 3 did not answer within 250ms: "));
}

TEST(RenderFibers, MoreThanTheLimitAreCounted) {
  std::vector<FiberInfo> fibers(kMaxFibersShown + 2);
  for (FiberInfo& fiber : fibers) fiber.name = "f";
  const std::string text = RenderFibers(fibers, {}, {});
  EXPECT_TRUE(absl::EndsWith(text, "\n… and 2 younger ones\n"));
}

TEST(FibersPage, ParkedFiberIsListedWithItsNameAndDeadline) {
  Runtime runtime({.shards = 2});
  std::string page;
  std::thread asker;
  runtime.Run([&] {
    TaskGroup group({.deadline = Now() + absl::Hours(1)});
    group.Spawn("sleeper", [] { return weft::SleepFor(absl::Hours(2)); });
    Yield();
    group.Spawn("canceller", [&] {
      std::atomic<bool> done = false;
      asker = std::thread([&] {
        page = FibersPage(runtime).body;
        done.store(true);
      });
      while (!done.load()) Yield();
      group.Cancel();
    });
    (void)group.Wait();
  });
  asker.join();
  EXPECT_THAT(page, HasSubstr("fibers on 2 shards"));
  EXPECT_THAT(page, testing::ContainsRegex("parked .* 59m59\\.[0-9]*s *sleeper *sleep"));
  EXPECT_THAT(page, HasSubstr("canceller"));
  EXPECT_THAT(page, Not(HasSubstr("did not answer")));
}

TEST(FibersPage, ShardWhoseThreadIsBlockedIsNamedInBoundedTime) {
  Runtime runtime({.shards = 2});
  absl::Notification blocked;
  absl::Notification go_on;
  std::thread blocker([&] {
    runtime.Run(
        [&] {
          blocked.Notify();
          go_on.WaitForNotification();
        },
        1);
  });
  blocked.WaitForNotification();
  const std::string page = FibersPage(runtime).body;
  go_on.Notify();
  blocker.join();
  EXPECT_THAT(page, HasSubstr("shard 1 did not answer"));
  EXPECT_THAT(page, Not(HasSubstr("shard 0 did not answer")));
}

}  // namespace
}  // namespace weft::app
