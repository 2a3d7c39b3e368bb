// The channels' and Select's cancel points, and what the fiber dump says of them.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/broadcast_channel.h"
#include "platform/fiber/cancel_point_suite.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"
#include "platform/fiber/watch_channel.h"

namespace weft {
namespace {

struct Full : Channel<int> {
  Full() : Channel(1) { EXPECT_TRUE(TrySend(0)); }
};
struct Empty : Channel<int> {
  Empty() : Channel(1) {}
};
struct Rendezvous : Channel<int> {
  Rendezvous() : Channel(0) {}
};
struct Broadcast {
  explicit Broadcast(SlowReceiver slow = SlowReceiver::kLags) : channel(1, slow) {}
  BroadcastChannel<int> channel;
  BroadcastReceiver<int> receiver = channel.Subscribe();
};
struct FullBroadcast : Broadcast {
  FullBroadcast() : Broadcast(SlowReceiver::kHoldsUpSends) { EXPECT_TRUE(channel.TrySend(0)); }
};
struct Watched {
  WatchChannel<int> channel{0};
  WatchReceiver<int> receiver = channel.Subscribe();
};

// A cancel point that waits in a new `World` for what does not come.
template <typename World, typename Park>
CancelPoint In(const char* name, Park park) {
  return {name, [park] {
            return [park, world = std::make_shared<World>()]() -> absl::Status {
              return park(*world);
            };
          }};
}

std::vector<CancelPoint> CancelPoints() {
  return {
      In<Full>("Send", [](Full& full) { return full.Send(1); }),
      In<Full>("SendWithDeadline",
               [](Full& full) { return full.Send(1, weft::Now() + absl::Hours(1)); }),
      In<Empty>("Receive", [](Empty& empty) { return empty.ReceiveOr().status(); }),
      In<Rendezvous>("SendToNobody", [](Rendezvous& channel) { return channel.Send(1); }),
      In<Rendezvous>("ReceiveFromNobody",
                     [](Rendezvous& channel) { return channel.ReceiveOr().status(); }),
      In<FullBroadcast>("BroadcastSend", [](FullBroadcast& full) { return full.channel.Send(1); }),
      In<Broadcast>("BroadcastReceive",
                    [](Broadcast& world) { return world.receiver.ReceiveOr().status(); }),
      In<Watched>("Changed", [](Watched& world) { return world.receiver.Changed().status(); }),
      In<Rendezvous>(
          "SelectSendAndReceive",
          [](Rendezvous& channel) { return Select(Receive(channel), Send(channel, 1)).status(); }),
      In<Broadcast>("SelectBroadcast",
                    [](Broadcast& world) { return Select(Receive(world.receiver)).status(); }),
      In<Watched>("SelectWatchAndTimer",
                  [](Watched& world) {
                    return Select(Changed(world.receiver), After(absl::Hours(1))).status();
                  }),
  };
}

INSTANTIATE_TEST_SUITE_P(Channels, CancelPointTest, ::testing::ValuesIn(CancelPoints()),
                         NameOfCancelPoint());

// --- What the dump says --------------------------------------------------------------------------

// What a fiber that is in `park` waits for.
std::string WaitsFor(const CancelPoint& point) {
  TestRuntime runtime;
  const SimulatedClock::Hold hold(runtime.clock());
  Channel<int> stop(0);
  std::thread thread([&] {
    runtime.Run([&] {
      const std::function<absl::Status()> park = point.prepare();
      TaskGroup group;
      group.Spawn("the one", [&] { return park(); });
      (void)stop.Receive();
    });
  });
  std::string waits_for;
  while (waits_for.empty()) {
    for (const FiberInfo& fiber : runtime.runtime().Fibers({})) {
      if (fiber.name == "the one") waits_for = fiber.waits_for;
    }
  }
  stop.Close();
  thread.join();
  return waits_for;
}

TEST(WaitInfo, NamesWhatAFiberWaitsFor) {
  std::map<std::string, std::string> waits_for;
  for (const CancelPoint& point : CancelPoints()) waits_for[point.name] = WaitsFor(point);
  EXPECT_EQ(waits_for, (std::map<std::string, std::string>{
                           {"Send", "channel send"},
                           {"SendWithDeadline", "channel send"},
                           {"Receive", "channel receive"},
                           {"SendToNobody", "channel send"},
                           {"ReceiveFromNobody", "channel receive"},
                           {"BroadcastSend", "broadcast send"},
                           {"BroadcastReceive", "broadcast receive"},
                           {"Changed", "watch"},
                           {"SelectSendAndReceive", "select"},
                           {"SelectBroadcast", "select"},
                           {"SelectWatchAndTimer", "select"},
                       }));
}

}  // namespace
}  // namespace weft
