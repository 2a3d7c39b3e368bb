// LocalServer: handlers on a real server and port of this process, with a channel to them: for
// tests of services and of what calls them. Whatever works here works over the network.
//
//   FakePricing pricing;
//   services::LocalServer server({&pricing});
//   server.Run([&] { … pricing::v1::PricingClient(server.channel()).GetPrice(request) … });
#ifndef SERVICES_TESTING_LOCAL_SERVER_H_
#define SERVICES_TESTING_LOCAL_SERVER_H_

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/fiber/runtime.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/server/service.h"
#include "platform/rpc/shard_queues.h"

namespace services {

// Crashes with a message when the server does not start.
class LocalServer {
 public:
  // `handlers` outlive it.
  explicit LocalServer(std::vector<weft::rpc::Service*> handlers);
  // Cancels the calls under way, and waits for them.
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  // The first call connects. Usable from fibers of any runtime on completion queues.
  const std::shared_ptr<weft::rpc::Channel>& channel() const { return channel_; }

  // Runs `function` on a fiber of the server's runtime and blocks the thread until it returned.
  template <typename F>
  std::invoke_result_t<F> Run(F function) {
    return runtime_.Run(std::move(function));
  }

  // From now on nobody answers at the channel's target. Blocks the thread.
  void Stop();

 private:
  weft::rpc::ShardQueues queues_;
  weft::Runtime runtime_;
  std::unique_ptr<weft::rpc::Server> server_;
  std::shared_ptr<weft::rpc::Channel> channel_;
};

}  // namespace services

#endif  // SERVICES_TESTING_LOCAL_SERVER_H_
