// Stand-ins for calls that wait for files. See blocking_calls.h.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cerrno>

#include "platform/fiber/internal/blocking_monitor.h"
#include "platform/fiber/internal/interpose.h"

namespace weft::internal {
namespace {

constexpr timespec kNoTime = {};

bool IsZero(const timespec* time) {
  return time != nullptr && time->tv_sec == 0 && time->tv_nsec == 0;
}

// A look empties the sets of select(), so it works on copies.
struct Sets {
  fd_set read, write, except;
};

fd_set* Copy(const fd_set* from, fd_set* to) {
  if (from == nullptr) return nullptr;
  *to = *from;
  return to;
}

void CopyBack(const fd_set& from, fd_set* to) {
  if (to != nullptr) *to = from;
}

// Over TCP a handshake has to come back, also from this machine.
bool ConnectBlocks(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0) return false;
  int type = 0;
  int domain = 0;
  socklen_t size = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  size = sizeof(domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  return type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
}

}  // namespace

// --- Waiting for any of several: first without waiting -----------------------------------------

WEFT_INTERPOSE(int, poll, (pollfd * fds, nfds_t count, int timeout_ms)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && timeout_ms != 0) {
    const int ready = next_poll(fds, count, 0);
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "poll");
  }
  return next_poll(fds, count, timeout_ms);
}

WEFT_INTERPOSE(int, ppoll,
               (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && !IsZero(timeout)) {
    const int ready = next_ppoll(fds, count, &kNoTime, mask);
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "ppoll");
  }
  return next_ppoll(fds, count, timeout, mask);
}

WEFT_INTERPOSE(int, epoll_wait, (int fd, epoll_event* events, int count, int timeout_ms)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && timeout_ms != 0) {
    const int ready = next_epoll_wait(fd, events, count, 0);
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "epoll_wait");
  }
  return next_epoll_wait(fd, events, count, timeout_ms);
}

WEFT_INTERPOSE(int, epoll_pwait,
               (int fd, epoll_event* events, int count, int timeout_ms, const sigset_t* mask)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && timeout_ms != 0) {
    const int ready = next_epoll_pwait(fd, events, count, 0, mask);
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "epoll_pwait");
  }
  return next_epoll_pwait(fd, events, count, timeout_ms, mask);
}

WEFT_INTERPOSE(int, pselect,
               (int count, fd_set* read, fd_set* write, fd_set* except, const timespec* timeout,
                const sigset_t* mask)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && !IsZero(timeout)) {
    Sets sets;
    const int ready = next_pselect(count, Copy(read, &sets.read), Copy(write, &sets.write),
                                   Copy(except, &sets.except), &kNoTime, mask);
    if (ready > 0) {
      CopyBack(sets.read, read);
      CopyBack(sets.write, write);
      CopyBack(sets.except, except);
    }
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "pselect");
  }
  return next_pselect(count, read, write, except, timeout, mask);
}

WEFT_INTERPOSE(int, select,
               (int count, fd_set* read, fd_set* write, fd_set* except, timeval* timeout)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  const bool waits = timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_usec != 0;
  if (fiber != nullptr && waits) {
    Sets sets;
    timeval no_time = {};
    const int ready = next_select(count, Copy(read, &sets.read), Copy(write, &sets.write),
                                  Copy(except, &sets.except), &no_time);
    if (ready > 0) {
      CopyBack(sets.read, read);
      CopyBack(sets.write, write);
      CopyBack(sets.except, except);
    }
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "select");
  }
  return next_select(count, read, write, except, timeout);
}

// --- Input and output --------------------------------------------------------------------------

namespace {

// Whether a call on `fd` has to wait for `event`: a socket or pipe in blocking mode, not ready.
bool WouldBlock(int fd, short event) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0) return false;
  struct stat status;
  if (fstat(fd, &status) != 0 || !(S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode))) {
    return false;
  }
  pollfd look = {.fd = fd, .events = event, .revents = 0};
  return next_poll(&look, 1, 0) == 0;
}

void CheckIo(int fd, short event, const char* function, int message_flags = 0) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber == nullptr || (message_flags & MSG_DONTWAIT) != 0) return;
  const int saved_errno = errno;
  if (WouldBlock(fd, event)) BlockingMonitor::Blocks(*fiber, function);
  errno = saved_errno;
}

}  // namespace

WEFT_INTERPOSE(ssize_t, read, (int fd, void* bytes, size_t count)) {
  CheckIo(fd, POLLIN, "read");
  return next_read(fd, bytes, count);
}

WEFT_INTERPOSE(ssize_t, readv, (int fd, const iovec* parts, int count)) {
  CheckIo(fd, POLLIN, "readv");
  return next_readv(fd, parts, count);
}

WEFT_INTERPOSE(ssize_t, recv, (int fd, void* bytes, size_t count, int flags)) {
  CheckIo(fd, POLLIN, "recv", flags);
  return next_recv(fd, bytes, count, flags);
}

WEFT_INTERPOSE(ssize_t, recvfrom,
               (int fd, void* bytes, size_t count, int flags, sockaddr* from, socklen_t* size)) {
  CheckIo(fd, POLLIN, "recvfrom", flags);
  return next_recvfrom(fd, bytes, count, flags, from, size);
}

WEFT_INTERPOSE(ssize_t, recvmsg, (int fd, msghdr* message, int flags)) {
  CheckIo(fd, POLLIN, "recvmsg", flags);
  return next_recvmsg(fd, message, flags);
}

WEFT_INTERPOSE(int, accept, (int fd, sockaddr* from, socklen_t* size)) {
  CheckIo(fd, POLLIN, "accept");
  return next_accept(fd, from, size);
}

WEFT_INTERPOSE(int, accept4, (int fd, sockaddr* from, socklen_t* size, int flags)) {
  CheckIo(fd, POLLIN, "accept4");
  return next_accept4(fd, from, size, flags);
}

WEFT_INTERPOSE(ssize_t, write, (int fd, const void* bytes, size_t count)) {
  CheckIo(fd, POLLOUT, "write");
  return next_write(fd, bytes, count);
}

WEFT_INTERPOSE(ssize_t, writev, (int fd, const iovec* parts, int count)) {
  CheckIo(fd, POLLOUT, "writev");
  return next_writev(fd, parts, count);
}

WEFT_INTERPOSE(ssize_t, send, (int fd, const void* bytes, size_t count, int flags)) {
  CheckIo(fd, POLLOUT, "send", flags);
  return next_send(fd, bytes, count, flags);
}

WEFT_INTERPOSE(ssize_t, sendto,
               (int fd, const void* bytes, size_t count, int flags, const sockaddr* to,
                socklen_t size)) {
  CheckIo(fd, POLLOUT, "sendto", flags);
  return next_sendto(fd, bytes, count, flags, to, size);
}

WEFT_INTERPOSE(ssize_t, sendmsg, (int fd, const msghdr* message, int flags)) {
  CheckIo(fd, POLLOUT, "sendmsg", flags);
  return next_sendmsg(fd, message, flags);
}

WEFT_INTERPOSE(int, connect, (int fd, const sockaddr* address, socklen_t size)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && ConnectBlocks(fd)) BlockingMonitor::Blocks(*fiber, "connect");
  return next_connect(fd, address, size);
}

// --- What _FORTIFY_SOURCE makes of some of them ------------------------------------------------

WEFT_INTERPOSE(ssize_t, __read_chk, (int fd, void* bytes, size_t count, size_t room)) {
  CheckIo(fd, POLLIN, "__read_chk");
  return next___read_chk(fd, bytes, count, room);
}

WEFT_INTERPOSE(ssize_t, __recv_chk, (int fd, void* bytes, size_t count, size_t room, int flags)) {
  CheckIo(fd, POLLIN, "__recv_chk", flags);
  return next___recv_chk(fd, bytes, count, room, flags);
}

WEFT_INTERPOSE(ssize_t, __recvfrom_chk,
               (int fd, void* bytes, size_t count, size_t room, int flags, sockaddr* from,
                socklen_t* size)) {
  CheckIo(fd, POLLIN, "__recvfrom_chk", flags);
  return next___recvfrom_chk(fd, bytes, count, room, flags, from, size);
}

WEFT_INTERPOSE(int, __poll_chk, (pollfd * fds, nfds_t count, int timeout_ms, size_t room)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && timeout_ms != 0) {
    const int ready = next___poll_chk(fds, count, 0, room);
    if (ready != 0) return ready;
    BlockingMonitor::Blocks(*fiber, "__poll_chk");
  }
  return next___poll_chk(fds, count, timeout_ms, room);
}

}  // namespace weft::internal
