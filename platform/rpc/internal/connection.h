// Connections accepted by the server, seen from the shards: which connection a call came on, so
// that its replies can leave together.
//
// gRPC owns each connection's descriptor and may close it at any time, so a duplicate is kept for
// setting TCP_CORK. The duplicate would keep the connection's other end waiting after gRPC closed
// it, were it not that gRPC shuts a socket down before closing it; the acceptor sees that
// (acceptor.h) and forgets the connection.
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
#include "platform/rpc/internal/operation.h"

struct sockaddr;

namespace weft::rpc::internal {

// The name gRPC gives to a peer: "ipv4:10.0.0.1:4711", "ipv6:%5B::1%5D:4711".
std::string PeerName(const sockaddr& address);

class Connection {
 public:
  // Takes `cork_descriptor`, a duplicate of the connection's.
  Connection(int cork_descriptor, std::string peer)
      : cork_descriptor_(cork_descriptor), peer_(std::move(peer)) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void SetCork(bool on) const;
  int cork_descriptor() const { return cork_descriptor_; }
  const std::string& peer() const { return peer_; }

 private:
  const int cork_descriptor_;
  const std::string peer_;
};

// All open connections by peer name. Thread-safe; written by the acceptor, asked by the shards once
// a connection.
class ConnectionTable {
 public:
  void Add(std::shared_ptr<Connection> connection);
  void Remove(const Connection& connection);
  std::shared_ptr<Connection> Find(const std::string& peer) const;
  size_t size() const;

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Connection>> by_peer_ ABSL_GUARDED_BY(mutex_);
};

// A connection as one shard uses it. Shared by the shard's calls on it; counted without atomics.
class ShardConnection final : public Corkable {
 public:
  ShardConnection(std::shared_ptr<Connection> connection, grpc_auth_context* auth)
      : connection_(std::move(connection)), auth_(auth) {}
  ~ShardConnection() { grpc_auth_context_release(auth_); }
  ShardConnection(const ShardConnection&) = delete;
  ShardConnection& operator=(const ShardConnection&) = delete;

  void SetCork(bool on) override { connection_->SetCork(on); }
  const Connection* connection() const { return connection_.get(); }
  grpc_auth_context* auth() const { return auth_; }

  int references = 1;

 private:
  const std::shared_ptr<Connection> connection_;
  grpc_auth_context* const auth_;  // a reference of ours, see ShardConnections
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
