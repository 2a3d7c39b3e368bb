// CollectedWrites: of one connection, what gRPC writes while a window is open is kept in a buffer,
// and leaves by one system call when the window closes. Saves the trip through the TCP stack that
// gRPC makes for each finished call (docs/adr/0005-one-system-call-for-the-replies-of-a-flush.md).
//
// How gRPC's writes get here: the linker binds the executable's calls of sendmsg and shutdown to
// the functions at the end of collected_writes.cc (`--wrap`, in platform/rpc/BUILD). They look up
// the descriptor in a table; one that is not registered (a client's, say) passes at the cost of one
// atomic load. Where gRPC is a shared object its calls are not caught: Open() then says no, since
// it waits for a first write of the connection to come by, and the caller uses a cork.
//
// Order. A connection's lock is held over every write to it, the system call included, whichever
// thread makes it; while bytes are kept, a write goes behind them or sends them first. So bytes
// leave in the order in which they were written.
//
// The promise. gRPC is told that kept bytes are sent before the kernel has them. So a window keeps
// no more than the kernel has room for when it opens. If the kernel refuses bytes all the same (it
// may when it is out of memory, or has TCP_NOTSENT_LOWAT set), they stay here, "stuck":
//   - gRPC's next write tries them first, and gets EAGAIN if it cannot. The kernel has then said
//     EAGAIN too, so gRPC's wait for room ends when theirs does.
//   - `watch` has somebody wait for room as well, and call Push(): gRPC may have no next write.
//   - gRPC's shutdown of the socket waits for them, for a time. It always precedes its close().
// A connection that breaks, or whose bytes have to be given up, is shut down: nothing is ever
// written behind a gap. gRPC learns of it as of any broken connection, by reading.
//
// A descriptor's number may be reused as soon as gRPC has closed it. Kept bytes are sent to a
// duplicate, so they reach their own connection or none, and registering a number replaces what it
// stood for before.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_COLLECTED_WRITES_H_
#define WEFT_PLATFORM_RPC_INTERNAL_COLLECTED_WRITES_H_

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace weft::rpc::internal {

// Thread-safe.
class CollectedWrites {
 public:
  // The table's size: numbers from here on cannot be registered. Each connection takes two. The
  // table costs 48 bytes of address space a number, and memory for those in use.
  static constexpr int kMaxDescriptors = 1 << 16;
  // What a window keeps at most. Beyond it what is kept is sent, and collecting begins anew.
  static constexpr size_t kMaxKeptBytes = 64 * 1024;
  // How long stuck bytes may hold up the end of a connection whose peer takes none.
  static constexpr int kFarewellMillis = 20'000;

  // Has Push() called once `socket` has room (true), or no longer (false). Called under the lock:
  // must not call back.
  using Watch = std::function<void(bool for_room)>;

  // Registers `descriptor`, below kMaxDescriptors, before gRPC is handed it. `socket` is a
  // duplicate of it, kept open by the caller for longer than this object lives.
  CollectedWrites(int descriptor, int socket, Watch watch);
  // Requires: no window is open. Bytes that are still stuck break the connection.
  ~CollectedWrites();
  CollectedWrites(const CollectedWrites&) = delete;
  CollectedWrites& operator=(const CollectedWrites&) = delete;

  // Opens a window; several may be open at once. False when this connection's writes cannot be
  // collected: there is no window to close then.
  [[nodiscard]] bool Open();
  // Sends what is kept, of all windows.
  void Close();
  // There is room: sends stuck bytes.
  void Push();

  // Of the whole process.
  struct Totals {
    uint64_t kept = 0;   // writes that were kept instead of being made at once
    uint64_t stuck = 0;  // times that the kernel refused kept bytes
  };
  static Totals totals();

  // What sendmsg and shutdown become, for any descriptor.
  static ssize_t Sendmsg(int descriptor, const msghdr* message, int flags);
  static int Shutdown(int descriptor, int how);

 private:
  struct Slot;
  static std::array<Slot, kMaxDescriptors> table_;
  static Slot* SlotOf(int descriptor);

  ssize_t Write(const msghdr& message, int flags);
  int End(int how);
  bool Fits(size_t size) const { return size <= limit_ - std::min(limit_, end_); }
  void Keep(const msghdr& message);
  bool Send();
  void Break();
  void Forget();
  void Unregister();
  size_t Room() const;

  const int descriptor_;
  const int socket_;
  const Watch watch_;
  Slot& slot_;
  // The rest is guarded by the slot's lock.
  int windows_ = 0;
  bool caught_ = false;            // a write of gRPC has come by
  bool ended_ = false;             // gRPC has shut the socket down
  bool shutdown_pending_ = false;  // … and it is to be done behind the stuck bytes
  bool stuck_ = false;
  size_t limit_ = 0;                // of the bytes kept
  uint64_t kept_ = 0;               // writes in the buffer
  std::unique_ptr<char[]> buffer_;  // while bytes are kept: those from begin_ to end_
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_COLLECTED_WRITES_H_
