// Connections accepted by the server, seen from the shards: which connection a call came on, so
// that its replies can leave together.
//
// What a shard writes between HoldWrites() and ReleaseWrites() is collected and leaves by one
// system call (collected_writes.h). Where it cannot be collected, TCP_CORK is set instead: each
// reply then is a system call, but the kernel makes one trip through the TCP stack of them. Neither
// is ever left on: a cork would delay data by up to 200 ms.
//
// gRPC owns each connection's descriptor and may close it at any time, so a duplicate is kept for
// both. The duplicate would keep the connection's other end waiting after gRPC closed it, were it
// not that gRPC shuts a socket down before closing it; the acceptor sees that (acceptor.h) and
// forgets the connection.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_CONNECTION_H_
#define WEFT_PLATFORM_RPC_INTERNAL_CONNECTION_H_

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "platform/rpc/internal/collected_writes.h"
#include "platform/rpc/internal/fair_reads.h"
#include "platform/rpc/internal/operation.h"

struct sockaddr;

namespace weft::rpc::internal {

// The name gRPC gives to a peer: "ipv4:10.0.0.1:4711", "ipv6:%5B::1%5D:4711". Empty for a Unix
// socket, whose clients have none.
std::string PeerName(const sockaddr& address);

class Connection {
 public:
  // Takes `duplicate`, of the connection's descriptor.
  Connection(int duplicate, std::string peer) : duplicate_(duplicate), peer_(std::move(peer)) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Collects writes from now on. Before gRPC is handed `descriptor`, and before any use by shards.
  void CollectWrites(int descriptor, CollectedWrites::Watch watch);
  // Null when only the cork is to be used.
  CollectedWrites* writes() const { return writes_.get(); }
  void SetCork(bool on) const;
  // The same for how it is read (fair_reads.h).
  void ReadFairly(int descriptor, const std::shared_ptr<RestingReads>& resting);
  void CallBegan() const;
  // A call on it has ended, on `shard`; `taken_back`: by its client. Any thread.
  void CallEnded(int shard, bool taken_back) const;
  const std::string& peer() const { return peer_; }

 private:
  const int duplicate_;
  const std::string peer_;
  std::unique_ptr<CollectedWrites> writes_;
  int read_fairly_ = -1;  // gRPC's descriptor
};

// The open connections whose peers have names, by these. Thread-safe; written by the acceptor,
// asked by the shards once a connection.
class ConnectionTable {
 public:
  void Add(std::shared_ptr<Connection> connection);
  void Remove(const Connection& connection);
  std::shared_ptr<Connection> Find(const std::string& peer) const;

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Connection>> by_peer_ ABSL_GUARDED_BY(mutex_);
};

// A connection as one shard uses it. Shared by the shard's calls on it; counted without atomics.
class ShardConnection final : public HoldsWrites {
 public:
  ShardConnection(std::shared_ptr<Connection> connection, grpc_auth_context* auth)
      : connection_(std::move(connection)), auth_(auth) {}
  ~ShardConnection() { grpc_auth_context_release(auth_); }
  ShardConnection(const ShardConnection&) = delete;
  ShardConnection& operator=(const ShardConnection&) = delete;

  void HoldWrites() override;
  void ReleaseWrites() override;
  void CallBegan() const { connection_->CallBegan(); }
  void CallEnded(int shard, bool taken_back) const { connection_->CallEnded(shard, taken_back); }
  const Connection* connection() const { return connection_.get(); }
  grpc_auth_context* auth() const { return auth_; }

  int references = 1;

 private:
  const std::shared_ptr<Connection> connection_;
  grpc_auth_context* const auth_;  // a reference of ours, see ShardConnections
  bool corked_ = false;
};

// The connections of one shard. Calls are matched to connections by their authentication context:
// there is one a connection, for insecure connections too, and asking for it costs some 90
// instructions a call where the peer's name costs 200. While we hold a reference to the context,
// its address cannot be given to another one.
class ShardConnections {
 public:
  // `table` may be null: no connection is then ever found.
  explicit ShardConnections(const ConnectionTable* table) : table_(table) {}
  ~ShardConnections();

  // The connection of `call`, with a reference for the caller; null when it is not a TCP connection
  // of ours.
  ShardConnection* Find(grpc_call* call);
  void Release(ShardConnection* connection);
  // The connection is closed.
  void Forget(const Connection* connection);

 private:
  const ConnectionTable* const table_;
  absl::flat_hash_map<const grpc_auth_context*, ShardConnection*> by_auth_;
  absl::flat_hash_map<const Connection*, ShardConnection*> by_connection_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_CONNECTION_H_
