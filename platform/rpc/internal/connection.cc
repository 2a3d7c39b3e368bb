#include "platform/rpc/internal/connection.h"

#include <arpa/inet.h>
#include <grpc/support/alloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace weft::rpc::internal {

std::string PeerName(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.sa_family == AF_UNIX) return "";
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(v6.sin6_port));
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  return absl::StrCat("ipv6:%5B", text, "%5D:", ntohs(v6.sin6_port));
}

Connection::~Connection() {
  writes_.reset();  // It uses the duplicate.
  close(duplicate_);
}

void Connection::CollectWrites(int descriptor, CollectedWrites::Watch watch) {
  writes_ = std::make_unique<CollectedWrites>(descriptor, duplicate_, std::move(watch));
}

void Connection::SetCork(bool on) const {
  const int value = on ? 1 : 0;
  // Fails only on a connection that is gone, where there is nothing left to send.
  setsockopt(duplicate_, IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

void Connection::ReadFairly(int descriptor, const std::shared_ptr<RestingReads>& resting) {
  read_fairly_ = descriptor;
  FairReads::Register(descriptor, resting);
}

void Connection::CallBegan() const {
  if (read_fairly_ >= 0) FairReads::CallBegan(read_fairly_);
}

void Connection::CallEnded(int shard, bool taken_back) const {
  if (read_fairly_ >= 0) FairReads::CallEnded(read_fairly_, shard, taken_back);
}

void ConnectionTable::Add(std::shared_ptr<Connection> connection) {
  absl::MutexLock hold(&mutex_);
  std::string peer = connection->peer();
  by_peer_[std::move(peer)] = std::move(connection);
}

void ConnectionTable::Remove(const Connection& connection) {
  absl::MutexLock hold(&mutex_);
  const auto found = by_peer_.find(connection.peer());
  // The peer may have come back from the same port.
  if (found != by_peer_.end() && found->second.get() == &connection) by_peer_.erase(found);
}

std::shared_ptr<Connection> ConnectionTable::Find(const std::string& peer) const {
  absl::MutexLock hold(&mutex_);
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : found->second;
}

void ShardConnection::HoldWrites() {
  corked_ = connection_->writes() == nullptr || !connection_->writes()->Open();
  if (corked_) connection_->SetCork(true);
}

void ShardConnection::ReleaseWrites() {
  if (corked_) {
    connection_->SetCork(false);
  } else {
    connection_->writes()->Close();
  }
}

ShardConnections::~ShardConnections() {
  for (const auto& [connection, shard_connection] : by_connection_) delete shard_connection;
}

ShardConnection* ShardConnections::Find(grpc_call* call) {
  if (table_ == nullptr) return nullptr;
  grpc_auth_context* const auth = grpc_call_auth_context(call);
  if (auth == nullptr) return nullptr;
  if (const auto found = by_auth_.find(auth); found != by_auth_.end()) {
    grpc_auth_context_release(auth);
    ++found->second->references;
    return found->second;
  }
  char* const peer = grpc_call_get_peer(call);
  std::shared_ptr<Connection> connection = table_->Find(peer);
  gpr_free(peer);
  if (connection == nullptr) {
    grpc_auth_context_release(auth);
    return nullptr;
  }
  auto* const shard_connection = new ShardConnection(std::move(connection), auth);
  by_auth_[auth] = shard_connection;
  by_connection_[shard_connection->connection()] = shard_connection;
  ++shard_connection->references;
  return shard_connection;
}

void ShardConnections::Release(ShardConnection* connection) {
  if (connection != nullptr && --connection->references == 0) delete connection;
}

void ShardConnections::Forget(const Connection* connection) {
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return;
  ShardConnection* const shard_connection = found->second;
  by_connection_.erase(found);
  by_auth_.erase(shard_connection->auth());
  Release(shard_connection);
}

}  // namespace weft::rpc::internal
