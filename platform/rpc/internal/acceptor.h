// Acceptor: the server's listening sockets and the thread that accepts from them. Each connection
// is handed to gRPC; a duplicate of its descriptor is kept for holding back writes (connection.h).
// It is watched for the connection's end and, while collected writes are stuck, for room.
//
// Clients on Unix sockets have no name of their own by which a call could tell its connection, so
// their replies leave one by one.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_ACCEPTOR_H_
#define WEFT_PLATFORM_RPC_INTERNAL_ACCEPTOR_H_

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "platform/rpc/internal/connection.h"

namespace weft::rpc::internal {

class Acceptor {
 public:
  struct Callbacks {
    // Takes the descriptor. On the acceptor's thread, as are all.
    std::function<void(int listener, int descriptor)> hand_over;
    // The connection is closed and out of the table.
    std::function<void(const std::shared_ptr<Connection>&)> closed;
    // Has the shard resume the connection when its loop has had a turn (fair_reads.h).
    std::function<void(const RestingReads::Connection&)> rested;
  };

  struct Options {
    std::vector<std::string> addresses;  // "host:port" or "unix-abstract:name" each
    int max_connections = 0;             // more are closed at once
    bool collect_writes = false;         // of each connection (collected_writes.h)
    bool fair_reads = false;             // of each connection (fair_reads.h)
  };

  // Binds and listens on each address. Errors: INVALID_ARGUMENT for an address that does not parse
  // or resolve; FAILED_PRECONDITION when the port or name is in use; PERMISSION_DENIED.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Listen(Options options);
  ~Acceptor();  // Stops.
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // 0 for an address without one.
  const std::vector<int>& ports() const { return ports_; }
  ConnectionTable& table() { return table_; }
  uint64_t accepted_total() const { return accepted_total_.load(std::memory_order_relaxed); }
  uint64_t refused_total() const { return refused_total_.load(std::memory_order_relaxed); }
  uint64_t open_connections() const { return open_count_.load(std::memory_order_relaxed); }

  // Starts the thread.
  void Start(Callbacks callbacks);
  // Closes the listening sockets; connections stay watched. Blocks the thread until no more will be
  // handed over, which gRPC could not bear once its server shuts down. Idempotent.
  void StopListening();
  // Has the thread end all connections that it has accepted so far. Any thread.
  void BreakConnections();
  // Ends the thread.
  void Stop();

 private:
  explicit Acceptor(Options options) : options_(std::move(options)) {}
  absl::Status Bind(const std::string& address);
  absl::Status BindAbstract(const std::string& address);
  absl::Status ListenOn(const std::string& address, const sockaddr& local, socklen_t length);
  void ThreadMain();
  void AcceptAll(int listener);
  bool Full() const { return open_.size() >= static_cast<size_t>(options_.max_connections); }
  void Refuse(int descriptor);
  void Adopt(int listener, int descriptor);
  void Attend(int duplicate, uint32_t events);
  void Close(int duplicate);
  void BreakAll();
  void Watch(int descriptor, uint32_t events);
  void CloseListeners();
  void Poke();

  const Options options_;
  std::vector<int> listeners_;
  std::vector<int> ports_;
  int epoll_ = -1;
  int wake_ = -1;
  const std::shared_ptr<RestingReads> resting_ = std::make_shared<RestingReads>();
  ConnectionTable table_;
  Callbacks callbacks_;
  std::atomic<uint64_t> accepted_total_{0};
  std::atomic<uint64_t> refused_total_{0};
  std::atomic<uint64_t> open_count_{0};
  std::atomic<bool> break_connections_{false};
  std::atomic<bool> stop_listening_{false};
  absl::Notification listening_stopped_;
  std::atomic<bool> stop_{false};
  // The acceptor thread's own: open connections by their duplicate descriptor.
  absl::flat_hash_map<int, std::shared_ptr<Connection>> open_;
  bool out_of_descriptors_ = false;
  uint64_t times_out_of_descriptors_ = 0;  // in a row
  std::thread thread_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_ACCEPTOR_H_
