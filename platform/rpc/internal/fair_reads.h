// FairReads: how much gRPC reads from one connection before the others have their turn.
//
// gRPC 1.51 reads a connection until nothing is left, within one poll, and begins a call for each
// HEADERS frame on the way. MAX_CONCURRENT_STREAMS does not count calls that their client takes
// back, so a client that begins calls and resets them at once can have a server begin calls for as
// long as it likes, while all others wait behind them and their memory grows (CVE-2023-44487,
// "rapid reset").
//
// Here a connection is read in windows: after so many bytes gRPC is told that this is all there is
// for now, and the kernel that it shall report the rest once more, so that other connections have
// their turn. A window that was full is followed by one twice as large, up to kMaxWindow. A client
// is trusted once it has let most of its first kJudgedCalls calls be served. The connection of one
// that is not, or that takes most of its calls back, rests when its window is full, until the loop
// of the shard that serves it has had a turn (read_turns.h): it begins no more calls than are
// served. A window is then kMinWindow. Nothing is refused or cut off, since a client with deadlines
// that are too short looks the same.
//
// How: recvmsg is bound to Recvmsg() below by the linker (`--wrap`, as collected_writes.h has it
// for sendmsg). gRPC asks the kernel with each read what is left (TCP_INQ, tcp(7)), and waits for
// the next event where that is nothing; at the end of a window it reads "nothing". Setting
// SO_RCVLOWAT to what it is has the kernel look again whether the connection is readable
// (net/ipv4/tcp.c, tcp_set_rcvlowat), which is a new event for gRPC's edge-triggered epoll. Where
// TCP_INQ is not in use, reads pass unchanged.
//
// All functions: any thread. One read of a connection at a time, as gRPC has it.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_FAIR_READS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_FAIR_READS_H_

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace weft::rpc::internal {

// The connections of a server that rest.
class RestingReads {
 public:
  struct Connection {
    int descriptor = -1;
    int shard = 0;  // that served a call of it last
  };

  RestingReads();
  ~RestingReads();
  RestingReads(const RestingReads&) = delete;
  RestingReads& operator=(const RestingReads&) = delete;

  // Readable when Take() has something.
  int event() const { return event_; }
  // For FairReads::Resume(), when their shard has had a turn.
  std::vector<Connection> Take();
  // From now on none rests. What Take() then still has must be resumed.
  void Close();

 private:
  friend class FairReads;
  bool Add(Connection connection);

  const int event_;  // an eventfd
  std::mutex mutex_;
  std::vector<Connection> resting_;
  bool closed_ = false;
};

class FairReads {
 public:
  // The table's size: connections with other descriptors are read as gRPC likes.
  static constexpr int kMaxDescriptors = 1 << 16;
  static constexpr uint32_t kFirstWindow = 2 * 1024;
  static constexpr uint32_t kMaxWindow = 128 * 1024;
  // Some twenty of the smallest calls that HTTP/2 allows, with their resets.
  static constexpr uint32_t kMinWindow = 512;
  // A client is judged by so many calls at a time.
  static constexpr uint32_t kJudgedCalls = 16;
  // Windows of a client that is not trusted grow while they bring no more calls than this.
  static constexpr uint32_t kFewCalls = 4;

  // A new connection, before gRPC is handed it. Stays in the table until its number's next one; a
  // socket of another kind that gets the number meanwhile is read in windows too, to no harm.
  static void Register(int descriptor, const std::shared_ptr<RestingReads>& resting);
  // A call on the connection has begun.
  static void CallBegan(int descriptor);
  // A call on the connection has ended, on `shard`; `taken_back`: by its client.
  static void CallEnded(int descriptor, int shard, bool taken_back);
  // The connection has rested.
  static void Resume(int descriptor);
  // Of a registered one, for tests.
  static uint32_t window(int descriptor);

  // What recvmsg becomes, for any descriptor.
  static ssize_t Recvmsg(int descriptor, msghdr* message, int flags);
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_FAIR_READS_H_
