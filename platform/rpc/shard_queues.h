// ShardQueues: the gRPC completion queues that a runtime's shards wait in, made before the runtime.
//
// gRPC wants to know a server's queues before the server starts, and gRPC's C++ builder wants to
// make them itself. So the queues come first, then the runtime on top of them, then (in a process
// that serves) one Server. Clients need no more than the queues.
#ifndef WEFT_PLATFORM_RPC_SHARD_QUEUES_H_
#define WEFT_PLATFORM_RPC_SHARD_QUEUES_H_

#include <memory>
#include <vector>

#include "platform/base/clock.h"
#include "platform/fiber/poller.h"

namespace grpc {
class ServerBuilder;
class ServerCompletionQueue;
}  // namespace grpc

namespace weft::rpc {

// Outlives the runtime and the server built on it.
class ShardQueues {
 public:
  // `shards` as in RuntimeOptions: 0 takes the number of CPUs allowed.
  explicit ShardQueues(int shards = 0);
  // Requires: the runtime that used the pollers is gone.
  ~ShardQueues();
  ShardQueues(const ShardQueues&) = delete;
  ShardQueues& operator=(const ShardQueues&) = delete;

  int shards() const { return static_cast<int>(queues_.size()); }
  // For RuntimeOptions::poller_factory; the runtime must have shards() shards and this clock.
  PollerFactory Pollers(const Clock& clock = Clock::Real());

  // For the server. Null when one was built already: a set of queues has one.
  std::unique_ptr<grpc::ServerBuilder> TakeBuilder();
  grpc::ServerCompletionQueue& queue(int shard) { return *queues_[static_cast<size_t>(shard)]; }

 private:
  std::unique_ptr<grpc::ServerBuilder> builder_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SHARD_QUEUES_H_
