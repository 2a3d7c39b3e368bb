#include "platform/rpc/testing/manual_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"
#include "platform/rpc/testing/in_process_server.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoClient;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using testing::AllOf;
using testing::Gt;
using testing::Le;

class ManualClockTest : public testing::Test {
 protected:
  absl::Status Say(const CallOptions& options = {}) { return client_.Say({}, options).status(); }

  ManualClock clock_;
  TestEcho echo_;
  InProcessServer server_{{&echo_}, {.clock = &clock_}};
  EchoClient client_{server_.channel()};
};

TEST_F(ManualClockTest, LatencyOfADayTakesNoTimeAndIsExact) {
  server_.faults().Add({.latency = absl::Hours(24)});
  server_.Run([&] {
    const absl::Time start = weft::Now();
    TaskGroup group;
    group.Spawn([&] { return Say(); });
    EXPECT_THAT(server_.calls().WaitFor(1, UnderWay()), IsOk());
    clock_.Advance(absl::Hours(24));
    EXPECT_THAT(group.Wait(), IsOk());
    EXPECT_EQ(weft::Now() - start, absl::Hours(24));
  });
}

TEST_F(ManualClockTest, NothingHappensBeforeItsTime) {
  server_.faults().Add({.most = 1, .latency = absl::Hours(1)});
  server_.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return Say(); });
    EXPECT_THAT(server_.calls().WaitFor(1, UnderWay()), IsOk());
    clock_.Advance(absl::Hours(1) - absl::Nanoseconds(1));
    EXPECT_THAT(Say(), IsOk());  // Gives the other one every opportunity.
    EXPECT_EQ(server_.calls().Count(UnderWay()), 1u);
    clock_.Advance(absl::Nanoseconds(1));
    EXPECT_THAT(group.Wait(), IsOk());
  });
}

TEST_F(ManualClockTest, DeadlineOfACallPassesOnTheServer) {
  server_.faults().Add({.latency = absl::InfiniteDuration()});
  server_.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return Say({.timeout = absl::Hours(1)}); });
    EXPECT_THAT(server_.calls().WaitFor(1, UnderWay()), IsOk());
    clock_.Advance(absl::Hours(2));
    EXPECT_THAT(group.Wait(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  });
  EXPECT_EQ(server_.calls().Count(EndedWith(StatusIs(absl::StatusCode::kDeadlineExceeded))), 1u);
}

TEST_F(ManualClockTest, DeadlineIsWhatIsLeftOfItHoweverFarTheClockIsAhead) {
  clock_.Advance(absl::Hours(1000));
  server_.Run([&] { EXPECT_THAT(Say({.timeout = absl::Hours(1)}), IsOk()); });
  EXPECT_THAT(server_.calls().All(),
              testing::ElementsAre(WithDeadlineLeft(
                  AllOf(Gt(absl::ZeroDuration()), Le(absl::Hours(1) + absl::Minutes(1))))));
}

TEST_F(ManualClockTest, AdvancesFromAPlainThread) {
  std::atomic<bool> awake{false};
  std::thread driver([&] {
    while (!awake.load()) {
      clock_.Advance(absl::Minutes(1));
      std::this_thread::yield();
    }
  });
  server_.Run([&] { EXPECT_THAT(weft::SleepFor(absl::Hours(1)), IsOk()); });
  awake = true;
  driver.join();
}

TEST_F(ManualClockTest, ServersShareIt) {
  TestEcho front_echo;
  front_echo.say = [&](CallContext&, const EchoRequest& request) -> absl::StatusOr<EchoReply> {
    if (absl::Status s = weft::SleepFor(absl::Hours(1)); !s.ok()) return s;
    return client_.Say(request);
  };
  InProcessServer front({&front_echo}, {.clock = &clock_});
  server_.faults().Add({.latency = absl::Hours(2)});
  front.Run([&] {
    const absl::Time start = weft::Now();
    TaskGroup group;
    auto call = group.Spawn([&] { return EchoClient(front.channel()).Say({}).status(); });
    while (!call.done()) {
      clock_.Advance(absl::Minutes(1));
      weft::Yield();
    }
    EXPECT_THAT(group.Wait(), IsOk());
    EXPECT_GE(weft::Now() - start, absl::Hours(3));
  });
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(ManualClockDeath, DoesNotGoBackAndOutlivesItsUsers) {
  ManualClock clock;
  EXPECT_DEATH(clock.Advance(absl::Seconds(-1)), "does not go back");
  EXPECT_DEATH(
      {
        Runtime runtime({.shards = 1});
        ManualClock early;
        early.Add(runtime);
      },
      "outlives the runtimes");
}
#endif

}  // namespace
}  // namespace weft::rpc
