// InProcessServer: handlers on a real server of the test's own process, and a channel to them that
// needs no port.
//
//   FakePricing pricing;
//   weft::rpc::InProcessServer server({&pricing});
//   server.Run([&] {
//     pricing::v1::PricingClient client(server.channel());
//     EXPECT_THAT(client.GetPrice(request), weft::StatusIs(absl::StatusCode::kNotFound));
//   });
//
// Server and channel are the real ones and speak HTTP/2 to each other over a socket that lives in
// the kernel's memory: Linux's abstract Unix socket, of a name drawn at random. What works here
// works over the network, but for TLS, names to resolve, and replies that leave together, which
// need TCP. The channel sends again what production would (client/retry.h): a test that counts
// calls of an idempotent method sets `.channel = {.retry = {.max_attempts = 1}}`.
//
// What comes along: every call is recorded (call_recorder.h), and rules make calls slow or fail
// (fault_injector.h). At its end an InProcessServer fails the test when fibers are left.
//
// No test needs a sleep: it waits for calls by CallRecorder::WaitFor(), holds them up by a rule of
// infinite latency, and moves the time of a ManualClock (manual_clock.h). Without one time is real.
//
// Several servers: each has a runtime of its own. Their channels may be used from fibers of all.
#ifndef WEFT_PLATFORM_RPC_TESTING_IN_PROCESS_SERVER_H_
#define WEFT_PLATFORM_RPC_TESTING_IN_PROCESS_SERVER_H_

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/fiber/runtime.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/server/service.h"
#include "platform/rpc/shard_queues.h"
#include "platform/rpc/testing/call_recorder.h"
#include "platform/rpc/testing/fault_injector.h"
#include "platform/rpc/testing/manual_clock.h"

namespace weft::rpc {

struct InProcessServerOptions {
  // `listen` is the kit's own. Interceptors of the stage kUser stand inside of the faults.
  ServerOptions server = {};
  // Of channel(); `own_connection` is always set.
  ChannelOptions channel = {};
  // Null: the real clock. Outlives the server.
  ManualClock* clock = nullptr;
  // Clock and poller are the kit's own, and one shard is what 0 means. `shuffle_seed` is also the
  // faults' seed; it gives way to the one that a test is run again with (fiber/testing/seeds.h).
  RuntimeOptions runtime = {};
};

// Made, stopped and destroyed on a plain thread, which that blocks. Crashes with a message when the
// server does not start, or a handler does not return once its call is cancelled.
class InProcessServer {
 public:
  // `services` outlive it.
  explicit InProcessServer(std::vector<Service*> services, InProcessServerOptions options = {});
  // Stops. Fails the test when fibers, timers or stacks are left (fiber/testing/leak_check.h); with
  // a fiber left the runtime is not destroyed, as it would wait for that fiber.
  ~InProcessServer();
  InProcessServer(const InProcessServer&) = delete;
  InProcessServer& operator=(const InProcessServer&) = delete;

  // The first call connects. For fibers of any runtime on completion queues. May outlive the
  // server.
  const std::shared_ptr<Channel>& channel() const { return channel_; }
  // Another client: a channel with a connection of its own.
  std::shared_ptr<Channel> Connect(ChannelOptions options = {}) const;
  // What channels are made for.
  const std::string& target() const { return target_; }

  // Runs `function` on a fiber of the server's runtime and blocks the thread until it returned.
  template <typename F>
  std::invoke_result_t<F> Run(F function, int shard = 0) {
    return runtime_->Run(std::move(function), shard);
  }

  // The calls that came, of all channels.
  CallRecorder& calls() { return calls_; }
  FaultInjector& faults() { return faults_; }

  // Ends all connections, as a network that fails would, under calls and streams: their clients see
  // UNAVAILABLE, their handlers a cancellation. The next call connects again. Any thread or fiber;
  // does not wait for the ends.
  void Disconnect() { server_->BreakConnections(); }
  // Cancels the calls under way and waits for them. From now on nobody answers: calls fail with
  // UNAVAILABLE. Idempotent.
  void Stop();

  Server& server() { return *server_; }
  Runtime& runtime() { return *runtime_; }

 private:
  const uint64_t seed_;
  ManualClock* const clock_;
  const std::string target_;
  CallRecorder calls_;
  FaultInjector faults_;
  std::unique_ptr<ShardQueues> queues_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<Channel> channel_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_TESTING_IN_PROCESS_SERVER_H_
