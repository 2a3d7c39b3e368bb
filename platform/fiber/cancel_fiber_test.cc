// Runtime::CancelFiber: one fiber is cancelled from outside, and no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/root_scope.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"

namespace weft {
namespace {

using testing::HasSubstr;

// Cancels the fiber called `name`, from a thread, once it is parked; from the fiber that calls.
void CancelByName(const std::string& name) {
  Runtime& runtime = *Runtime::Current();
  std::thread canceller([&runtime, name] {
    bool done = false;
    while (!done) {
      for (const FiberInfo& fiber : runtime.Fibers({})) {
        if (fiber.name != name || fiber.state != "parked") continue;
        EXPECT_TRUE(runtime.CancelFiber(fiber.id, absl::InfiniteDuration()).ok());
        done = true;
      }
    }
  });
  // The calling fiber goes on when the others have ended: it must not block the thread.
  canceller.detach();
}

TEST(CancelFiber, AChildEndsAndItsSiblingDoesNot) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    TaskGroup group;
    absl::Status victim_status;
    absl::Status sibling_status;
    group.Spawn("victim", [&] { victim_status = weft::SleepFor(absl::Hours(1)); });
    CancelByName("victim");
    group.Spawn("sibling", [&] {
      while (victim_status.ok()) weft::Yield();
      sibling_status = weft::SleepFor(absl::Milliseconds(1));
    });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(victim_status.code(), absl::StatusCode::kCancelled);
    EXPECT_THAT(std::string(victim_status.message()), HasSubstr("by hand"));
    EXPECT_TRUE(sibling_status.ok()) << sibling_status;
  });
}

TEST(CancelFiber, ItStaysCancelledOutsideTheScopesItHadEntered) {
  Runtime runtime({.shards = 1});
  runtime.Run([] {
    TaskGroup group;
    std::vector<absl::Status> seen;
    group.Spawn("victim", [&] {
      {
        CancelScope outer;
        CancelScope inner;
        seen.push_back(weft::SleepFor(absl::Hours(1)));
        seen.push_back(weft::SleepFor(absl::Hours(1)));
      }
      seen.push_back(weft::SleepFor(absl::Hours(1)));
      CancelScope another;
      seen.push_back(weft::SleepFor(absl::Hours(1)));
    });
    CancelByName("victim");
    EXPECT_TRUE(group.Wait().ok());
    ASSERT_EQ(seen.size(), 4u);
    for (const absl::Status& status : seen) {
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    }
    // The stack is used again for another task, which must not be cancelled.
    group.Spawn("next", [&] { EXPECT_TRUE(weft::SleepFor(absl::Nanoseconds(1)).ok()); });
    EXPECT_TRUE(group.Wait().ok());
  });
}

// As the rpc server runs a call: in a scope of its own, which others may be started in too.
class Call final : public internal::FiberBody {
 public:
  explicit Call(internal::ThreadEvent& done) : done_(done) {}
  void Run() override {
    TaskGroup group;
    group.Spawn("part", [&] { part = weft::SleepFor(absl::Hours(1)); });
    EXPECT_TRUE(group.Wait().ok());
  }
  void Finished() override { done_.Notify(); }

  absl::Status part;
  internal::RootScope scope{kNeverNanos};

 private:
  internal::ThreadEvent& done_;
};

TEST(CancelFiber, ACallIsCancelledWithAllItStarted) {
  Runtime runtime({.shards = 1});
  internal::ThreadEvent done;
  std::unique_ptr<Call> call;
  runtime.Post(0, [&] {
    call = std::make_unique<Call>(done);
    internal::StartFiber(*call, {.name = "call", .scope = &call->scope});
  });
  bool cancelled = false;
  while (!cancelled) {
    for (const FiberInfo& fiber : runtime.Fibers({})) {
      if (fiber.name != "call" || fiber.state != "parked") continue;
      cancelled = runtime.CancelFiber(fiber.id, absl::InfiniteDuration()).ok();
    }
  }
  done.Wait();
  EXPECT_EQ(call->part.code(), absl::StatusCode::kCancelled);
  // The scope belongs to the shard.
  internal::ThreadEvent gone;
  runtime.Post(0, [&] {
    call.reset();
    gone.Notify();
  });
  gone.Wait();
}

TEST(CancelFiber, OneThatIsGoneIsNotFound) {
  Runtime runtime({.shards = 2});
  for (const uint64_t id : {0, 1, 2, 4711}) {
    const absl::Status status = runtime.CancelFiber(id, absl::InfiniteDuration());
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(id)));
  }
}

}  // namespace
}  // namespace weft
