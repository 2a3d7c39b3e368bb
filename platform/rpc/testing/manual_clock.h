// ManualClock: time that stands until the test moves it, for servers that speak gRPC.
//
//   weft::rpc::ManualClock clock;
//   weft::rpc::InProcessServer server({&service}, {.clock = &clock});
//   server.Run([&] {
//     weft::TaskGroup group;
//     group.Spawn([&] { return client.GetPrice(request).status(); });     // thinks for an hour
//     EXPECT_THAT(server.calls().WaitFor(1, UnderWay()), IsOk());
//     clock.Advance(absl::Hours(1));                                      // and answers at once
//     EXPECT_THAT(group.Wait(), IsOk());
//   });
//
// All that fibers do with time is on this clock: sleeps, deadlines of scopes, latencies of faults,
// waits between retries. A call's deadline goes to the server as what is left of it, and is kept
// there on the server's clock. Time moves by Advance() alone, so durations are exact.
//
// It never moves by itself, as a SimulatedClock (fiber/testing) does when all wait: bytes that are
// on their way between client and server are seen by neither. So a fiber that sleeps before anybody
// advances the clock sleeps until the test's own time limit.
//
// Above, the handler's fiber is of the shard of the one that waits, and has gone to sleep when that
// one wakes up. Where it is of another shard or server, it may be about to: advance until it is
// done.
//   while (!call.done()) { clock.Advance(absl::Minutes(1)); weft::Yield(); }
//
// gRPC's timers are on the system's clock all the same. Of a call with a timeout, the client's gRPC
// gives up after that much real time, too: give calls timeouts that no test reaches, such as an
// hour, and Advance() beyond them. (gRPC also rounds what is left up on its way.)
#ifndef WEFT_PLATFORM_RPC_TESTING_MANUAL_CLOCK_H_
#define WEFT_PLATFORM_RPC_TESTING_MANUAL_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/runtime.h"

namespace weft::rpc {

// Thread-safe. May be shared by several servers, which it outlives.
class ManualClock final : public Clock {
 public:
  // Starts on 2001-09-09 01:46:40 UTC (a second of a billion), one second after its epoch.
  ManualClock() = default;
  ~ManualClock() override;  // Requires: the runtimes that it was to wake are gone.

  int64_t MonotonicNanos() const override { return now_nanos_.load(std::memory_order_acquire); }
  absl::Time Epoch() const override { return absl::FromUnixSeconds(999'999'999); }

  // Moves the time. Timers that are due then fire soon, on their shards; those who sleep after this
  // call count from the new time. Any thread or fiber; never parks. Requires: not negative.
  void Advance(absl::Duration duration);

  // The runtimes with this clock, which learn of each Advance(); InProcessServer adds its own.
  void Add(Runtime& runtime);
  void Remove(Runtime& runtime);

 private:
  std::atomic<int64_t> now_nanos_{1'000'000'000};
  std::mutex mutex_;  // of the following, and of moves
  std::vector<Runtime*> runtimes_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_TESTING_MANUAL_CLOCK_H_
