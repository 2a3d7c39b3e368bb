#include "platform/fiber/fiber_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/fiber_local.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/stack_trace.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

using testing::HasSubstr;

std::map<std::string, FiberInfo> LookAt(Runtime& runtime, const FiberQuery& query) {
  std::map<std::string, FiberInfo> by_name;
  for (FiberInfo& fiber : runtime.Fibers(query)) by_name[fiber.name] = fiber;
  return by_name;
}

// Runs `arrange` on a fiber; once everything waits for `gate`, or for each other, looks.
class Look {
 public:
  template <typename Arrange>
  explicit Look(Arrange arrange, const FiberQuery& query = {}, RuntimeObserver* observer = nullptr)
      : runtime_({.observer = observer}) {
    std::thread runner([&] {
      runtime_.Run([&] {
        TaskGroup group;
        group.Spawn("arrange", [&] { arrange(group, gate_); });
        WaitAllBlocked();
        hold_.emplace(runtime_.clock());
        ready_.TrySend(1);
        (void)gate_.Receive();
        EXPECT_TRUE(group.Wait().ok());
      });
    });
    while (!ready_.TryReceive().has_value()) std::this_thread::yield();
    fibers = LookAt(runtime_.runtime(), query);
    gate_.Close();
    hold_.reset();
    runner.join();
  }

  std::map<std::string, FiberInfo> fibers;

 private:
  TestRuntime runtime_;
  std::optional<SimulatedClock::Hold> hold_;
  Channel<int> ready_{1};
  Channel<int> gate_{1};
};

TEST(FiberInfo, TheTreeOfTaskGroupsCanBeRead) {
  Look look([](TaskGroup& outer, Channel<int>& gate) {
    TaskGroup inner;
    inner.Spawn("child", [&] { (void)gate.Receive(); });
    outer.Spawn("sibling", [&] { (void)gate.Receive(); });
    EXPECT_TRUE(inner.Wait().ok());
  });
  const FiberInfo& main = look.fibers["Runtime::Run"];
  const FiberInfo& arrange = look.fibers["arrange"];
  EXPECT_EQ(main.parent_id, 0u);
  EXPECT_EQ(main.group_id, 0u);
  EXPECT_EQ(arrange.parent_id, main.id);
  // A child that spawns into its parent's group makes a sibling.
  EXPECT_EQ(look.fibers["sibling"].parent_id, main.id);
  EXPECT_EQ(look.fibers["sibling"].group_id, arrange.group_id);
  EXPECT_EQ(look.fibers["child"].parent_id, arrange.id);
  EXPECT_NE(look.fibers["child"].group_id, arrange.group_id);
  // Who waits for a group waits for what its children are in.
  EXPECT_EQ(arrange.waits_for, "task group");
  EXPECT_EQ(arrange.object_id, look.fibers["child"].group_id);
}

TEST(FiberInfo, ALocksOwnerAndWhoWaitsForItAreKnown) {
  Mutex mutex;
  Look look([&](TaskGroup& group, Channel<int>& gate) {
    group.Spawn("owner", [&] {
      mutex.Lock();
      (void)gate.Receive();
      mutex.Unlock();
    });
    weft::Yield();
    for (const char* name : {"first", "second"}) {
      group.Spawn(name, [&] {
        mutex.Lock();
        mutex.Unlock();
      });
    }
  });
  EXPECT_EQ(look.fibers["first"].waits_for, "mutex");
  EXPECT_EQ(look.fibers["first"].owner_id, look.fibers["owner"].id);
  EXPECT_EQ(look.fibers["second"].owner_id, look.fibers["owner"].id);
  EXPECT_NE(look.fibers["first"].object_id, 0u);
  EXPECT_EQ(look.fibers["first"].object_id, look.fibers["second"].object_id);
  EXPECT_EQ(look.fibers["owner"].owner_id, 0u);
}

TEST(FiberInfo, ACancelledFiberSaysWhyOnceItWaitsBehindAShield) {
  Look look([&](TaskGroup&, Channel<int>& gate) {
    TaskGroup inner;
    inner.Spawn("stubborn", [&] {
      CancelScope scope({.shield = true});
      scope.Cancel(CancelCause::kDrain);
      TaskGroup cleaners(TaskGroup::Options{.shield = true});
      cleaners.Spawn("cleaner", [&] { (void)gate.Receive(); });
      EXPECT_TRUE(cleaners.Wait().ok());
    });
    EXPECT_TRUE(inner.Wait().ok());
  });
  EXPECT_EQ(look.fibers["stubborn"].cancelled, "drain");
  EXPECT_EQ(look.fibers["cleaner"].cancelled, "");
}

[[gnu::noinline]] void PlaceOrder(Channel<int>& gate) {
  (void)gate.Receive();
  asm volatile("");
}

[[gnu::noinline]] void ServeCustomer(Channel<int>& gate) {
  PlaceOrder(gate);
  asm volatile("");
}

TEST(FiberInfo, TheStackOfAParkedFiberHasTheNamesOfItsFunctions) {
  Look look([](TaskGroup& group,
               Channel<int>& gate) { group.Spawn("customer", [&] { ServeCustomer(gate); }); },
            {.stacks = true});
  Symbolizer symbolizer;
  const std::vector<std::string> stack = symbolizer.FiberStack(look.fibers["customer"].stack);
  ASSERT_FALSE(stack.empty());
  EXPECT_THAT(stack.front(), HasSubstr("weft::Channel<>::"));
  const auto inner = std::find_if(stack.begin(), stack.end(), [](const std::string& name) {
    return name.find("PlaceOrder") != std::string::npos;
  });
  ASSERT_NE(inner, stack.end());
  EXPECT_THAT(*(inner + 1), HasSubstr("ServeCustomer"));
  for (const std::string& name : stack) EXPECT_FALSE(IsSchedulerFrame(name)) << name;
}

TEST(FiberInfo, StacksAreNotWalkedUnlessAskedFor) {
  Look look([](TaskGroup&, Channel<int>& gate) { (void)gate.Receive(); });
  EXPECT_TRUE(look.fibers["arrange"].stack.empty());
}

FiberLocal<int> customer_number;

class NumberObserver final : public RuntimeObserver {
 public:
  bool DescribeFiber(const FiberLocals& locals, char* text, size_t size) noexcept override {
    const int* const number = customer_number.FindIn(locals);
    if (number == nullptr) return false;
    std::snprintf(text, size, "customer %d", *number);
    return true;
  }
};

TEST(FiberInfo, TheObserverSaysWhatAFiberIsKnownBy) {
  NumberObserver observer;
  Look look(
      [](TaskGroup& group, Channel<int>& gate) {
        customer_number.Get() = 17;
        group.Spawn("child", [&] { (void)gate.Receive(); });
      },
      {}, &observer);
  EXPECT_EQ(look.fibers["child"].trace_id, "customer 17");
  EXPECT_EQ(look.fibers["Runtime::Run"].trace_id, "");
}

// Many fibers are listed in slices between which the shard does its work: fibers come and go, and
// each that is there all the time is listed once.
TEST(FiberInfo, FibersThatComeAndGoDoNotDisturbAListing) {
#ifdef __SANITIZE_THREAD__
  constexpr int kStay = 5'000;  // It knows no more than 8,128 fibers.
#else
  constexpr int kStay = 20'000;
#endif
  Runtime runtime({.shards = 1, .max_idle_fibers = 0});
  Channel<int> gate(1);
  std::atomic<bool> started = false;
  std::atomic<bool> stop = false;
  std::thread runner([&] {
    runtime.Run([&] {
      TaskGroup group;
      for (int i = 0; i < kStay; ++i) group.Spawn("stays", [&] { (void)gate.Receive(); });
      weft::Yield();
      started = true;
      while (!stop) {
        TaskGroup short_lived;
        for (int i = 0; i < 10; ++i) short_lived.Spawn("goes", [] { weft::Yield(); });
        EXPECT_TRUE(short_lived.Wait().ok());
      }
      gate.Close();
      EXPECT_TRUE(group.Wait().ok());
    });
  });
  while (!started) std::this_thread::yield();
  for (int round = 0; round < 3; ++round) {
    std::vector<uint64_t> ids;
    for (const FiberInfo& fiber : runtime.Fibers({.stacks = round == 2})) {
      if (fiber.name == "stays") ids.push_back(fiber.id);
    }
    EXPECT_EQ(ids.size(), static_cast<size_t>(kStay));
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
  }
  stop = true;
  runner.join();
}

}  // namespace
}  // namespace weft
