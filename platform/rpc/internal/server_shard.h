// ServerShard: the part of a server that lives on one shard: its slots, its calls, its connections.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_SERVER_SHARD_H_
#define WEFT_PLATFORM_RPC_INTERNAL_SERVER_SHARD_H_

#include <grpc/grpc.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "platform/base/cell_rate.h"
#include "platform/base/clock.h"
#include "platform/fiber/event.h"
#include "platform/rpc/internal/accept_slot.h"
#include "platform/rpc/internal/completion_queue_poller.h"
#include "platform/rpc/internal/connection.h"
#include "platform/rpc/internal/server_call_impl.h"
#include "platform/rpc/server/server.h"

namespace weft::rpc::internal {

// All but in_flight() on the shard's thread.
class ServerShard {
 public:
  struct Environment {
    const Clock& clock;
    const ServerOptions& options;
    grpc_server* core_server;
    const ConnectionTable* connections;
    const std::vector<RegisteredMethod>& methods;  // the last one: what nobody registered
  };

  explicit ServerShard(const Environment& environment);
  // Requires: idle.
  ~ServerShard();

  // Asks gRPC for calls of every method. On the loop of the shard.
  void Start();

  int index() const { return index_; }
  CompletionQueuePoller& poller() { return *poller_; }
  const Clock& clock() const { return environment_.clock; }
  const ServerOptions& options() const { return environment_.options; }
  grpc_server* core_server() const { return environment_.core_server; }
  const std::vector<ServerInterceptor*>& interceptors() const {
    return environment_.options.interceptors;
  }
  // Of a stream that ends by it; kNeverNanos: none does.
  int64_t stream_idle_nanos() const { return stream_idle_nanos_; }
  // No time between tokens: requests of a stream are read as fast as they come.
  const CellRate& stream_read_rate() const { return stream_read_rate_; }
  ShardConnections& connections() { return connections_; }
  Event& drain_event() { return drain_event_; }

  // From the slots and the calls.
  ServerCallImpl& AddCall();
  void CallEnded(ServerCallImpl& call);
  void SlotEnded();

  // Calls `idle` once there are neither calls nor slots left, now or later.
  void WhenIdle(absl::AnyInvocable<void()> idle);
  // The server begins to drain: handlers that ask see it.
  void TellOfDrain();
  void CancelCallsForDrain();
  // The methods whose handlers have not returned, one entry a call.
  std::vector<std::string> RunningMethods() const;

  size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  void CheckIdle();

  const Environment environment_;
  const int64_t stream_idle_nanos_;
  const CellRate stream_read_rate_;
  int index_ = -1;  // of the runtime's shards
  CompletionQueuePoller* poller_ = nullptr;
  ShardConnections connections_;
  std::vector<std::unique_ptr<AcceptSlot>> slots_;
  size_t slots_armed_ = 0;
  std::vector<std::unique_ptr<ServerCallImpl>> all_;
  std::vector<ServerCallImpl*> free_;
  ServerCallImpl* active_ = nullptr;
  std::atomic<size_t> in_flight_{0};
  Event drain_event_;
  absl::AnyInvocable<void()> idle_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_SERVER_SHARD_H_
