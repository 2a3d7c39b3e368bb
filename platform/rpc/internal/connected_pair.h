// For the tests of collected writes: a TCP connection whose server side is played by the test.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_CONNECTED_PAIR_H_
#define WEFT_PLATFORM_RPC_INTERNAL_CONNECTED_PAIR_H_

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/rpc/internal/collected_writes.h"

namespace weft::rpc::internal {

// As gRPC writes.
inline ssize_t Write(int descriptor, const std::string& bytes, int flags = MSG_NOSIGNAL) {
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return sendmsg(descriptor, &message, flags);
}

inline void AwaitRoom(int descriptor) {
  pollfd wanted = {descriptor, POLLOUT, 0};
  ASSERT_EQ(poll(&wanted, 1, -1), 1);
}

// A TCP connection in the hands of gRPC, played by the test, with its collected writes.
class Pair {
 public:
  // `peer_buffer_bytes`: SO_RCVBUF of the peer; small ones make small segments.
  explicit Pair(int peer_buffer_bytes = 0) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer_buffer_bytes > 0) {
      setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &peer_buffer_bytes, sizeof(peer_buffer_bytes));
    }
    EXPECT_EQ(connect(peer, reinterpret_cast<sockaddr*>(&address), length), 0);
    descriptor = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    close(listener);
    const int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    Register();
  }
  ~Pair() {
    writes.reset();
    for (const int open : {descriptor, duplicate, peer}) {
      if (open >= 0) close(open);
    }
  }

  void Register() {
    writes.emplace(descriptor, duplicate, [this](bool for_room) { on_watch(for_room); });
  }
  // As gRPC does when a connection is over.
  void ShutDownAndClose() {
    EXPECT_EQ(shutdown(descriptor, SHUT_RDWR), 0);
    close(std::exchange(descriptor, -1));
  }
  // Puts bytes into the kernel behind the back of the collector, until it takes no more.
  std::string Fill() {
    const std::string block(4096, '.');
    std::string all;
    ssize_t sent = 0;
    while ((sent = send(duplicate, block.data(), block.size(), MSG_DONTWAIT)) > 0) {
      all.append(block, 0, static_cast<size_t>(sent));
    }
    EXPECT_EQ(errno, EAGAIN);
    return all;
  }
  void PushUntilNothingIsStuck() {
    while (watched.back()) {
      AwaitRoom(duplicate);
      writes->Push();
    }
  }

  std::string Read(size_t size) const {
    std::string bytes(size, '\0');
    size_t read = 0;
    while (read < size) {
      const ssize_t got = recv(peer, &bytes[read], size - read, 0);
      if (got <= 0) break;
      read += static_cast<size_t>(got);
    }
    bytes.resize(read);
    return bytes;
  }
  // What is there now.
  std::string TryRead() const {
    std::string bytes(1 << 20, '\0');
    const ssize_t got = recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }
  bool AtEnd() const {
    char byte = 0;
    return recv(peer, &byte, 1, 0) == 0;
  }
  unsigned Segments() const {
    tcp_info info = {};
    socklen_t length = sizeof(info);
    getsockopt(duplicate, IPPROTO_TCP, TCP_INFO, &info, &length);
    return info.tcpi_data_segs_out;
  }

  int descriptor = -1;
  int duplicate = -1;
  int peer = -1;
  std::vector<bool> watched;  // what was asked of the one who waits for room
  std::function<void(bool)> on_watch = [this](bool for_room) { watched.push_back(for_room); };
  std::optional<CollectedWrites> writes;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_CONNECTED_PAIR_H_
