// Waits for files: each function on a fiber where it blocks, and where it does not.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "platform/fiber/blocking_calls_suite.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SocketPair {
 public:
  explicit SocketPair(int type = SOCK_STREAM) { EXPECT_EQ(socketpair(AF_UNIX, type, 0, fds_), 0); }
  ~SocketPair() {
    close(fds_[0]);
    close(fds_[1]);
  }
  int one() const { return fds_[0]; }
  int other() const { return fds_[1]; }
  void Fill() const { EXPECT_EQ(send(fds_[1], "x", 1, 0), 1); }

 private:
  int fds_[2];
};

class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, address(), sizeof(address_)), 0);
    EXPECT_EQ(listen(fd_, 10), 0);
    socklen_t size = sizeof(address_);
    EXPECT_EQ(getsockname(fd_, address(), &size), 0);
  }
  ~Listener() { close(fd_); }
  int fd() const { return fd_; }
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&address_); }
  void Connect() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, address(), sizeof(address_)), 0);
    close(fd);
  }

 private:
  int fd_;
  sockaddr_in address_ = {};
};

TEST_F(BlockingCallsTest, WaitsForFilesThatAreNotReady) {
  Pipe pipe;
  const auto fill = [&] { pipe.Fill(); };
  pollfd poll_it = {.fd = pipe.reader(), .events = POLLIN, .revents = 0};
  EXPECT_THAT(Found([&] { EXPECT_EQ(poll(&poll_it, 1, -1), 1); }, fill), ElementsAre("poll"));
  EXPECT_THAT(Found([&] { EXPECT_EQ(poll(&poll_it, 1, -1), 1); }), IsEmpty()) << "it is ready";
  pipe.Drain();
  EXPECT_THAT(Found([&] { EXPECT_EQ(poll(&poll_it, 1, 0), 0); }), IsEmpty()) << "only looks";
  EXPECT_THAT(Found([&] { EXPECT_EQ(ppoll(&poll_it, 1, nullptr, nullptr), 1); }, fill),
              ElementsAre("ppoll"));
  pipe.Drain();

  const int set = epoll_create1(0);
  epoll_event event = {.events = EPOLLIN, .data = {.fd = pipe.reader()}};
  ASSERT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, pipe.reader(), &event), 0);
  EXPECT_THAT(Found([&] { EXPECT_EQ(epoll_wait(set, &event, 1, -1), 1); }, fill),
              ElementsAre("epoll_wait"));
  pipe.Drain();
  EXPECT_THAT(Found([&] { EXPECT_EQ(epoll_pwait(set, &event, 1, -1, nullptr), 1); }, fill),
              ElementsAre("epoll_pwait"));
  pipe.Drain();
  close(set);
}

TEST_F(BlockingCallsTest, SelectKeepsItsSets) {
  Pipe pipe;
  const auto fill = [&] { pipe.Fill(); };
  const auto read_set = [&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe.reader(), &set);
    return set;
  };
  fd_set set = read_set();
  const auto select_it = [&] {
    EXPECT_EQ(select(pipe.reader() + 1, &set, nullptr, nullptr, nullptr), 1);
    EXPECT_TRUE(FD_ISSET(pipe.reader(), &set));
  };
  EXPECT_THAT(Found(select_it, fill), ElementsAre("select"));
  EXPECT_THAT(Found(select_it), IsEmpty()) << "it is ready";
  pipe.Drain();
  const auto pselect_it = [&] {
    EXPECT_EQ(pselect(pipe.reader() + 1, &set, nullptr, nullptr, nullptr, nullptr), 1);
    EXPECT_TRUE(FD_ISSET(pipe.reader(), &set));
  };
  EXPECT_THAT(Found(pselect_it, fill), ElementsAre("pselect"));
  EXPECT_THAT(Found(pselect_it), IsEmpty()) << "it is ready";
}

TEST_F(BlockingCallsTest, ReadingASocketOrPipeThatIsEmpty) {
  Pipe pipe;
  SocketPair sockets;
  char c;
  iovec part = {.iov_base = &c, .iov_len = 1};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const auto fill_pipe = [&] { pipe.Fill(); };
  const auto fill_socket = [&] { sockets.Fill(); };
  EXPECT_THAT(Found([&] { EXPECT_EQ(read(pipe.reader(), &c, 1), 1); }, fill_pipe),
              ElementsAre("read"));
  EXPECT_THAT(Found([&] { EXPECT_EQ(readv(pipe.reader(), &part, 1), 1); }, fill_pipe),
              ElementsAre("readv"));
  EXPECT_THAT(Found([&] { EXPECT_EQ(recv(sockets.one(), &c, 1, 0), 1); }, fill_socket),
              ElementsAre("recv"));
  EXPECT_THAT(Found([&] { EXPECT_EQ(recvfrom(sockets.one(), &c, 1, 0, nullptr, nullptr), 1); },
                    fill_socket),
              ElementsAre("recvfrom"));
  EXPECT_THAT(Found([&] { EXPECT_EQ(recvmsg(sockets.one(), &message, 0), 1); }, fill_socket),
              ElementsAre("recvmsg"));
}

TEST_F(BlockingCallsTest, ReadingWhatCannotBlockIsNotReported) {
  Pipe pipe;
  SocketPair sockets;
  char c;
  EXPECT_THAT(Found([&] { EXPECT_EQ(recv(sockets.one(), &c, 1, MSG_DONTWAIT), -1); }), IsEmpty());
  sockets.Fill();
  EXPECT_THAT(Found([&] { EXPECT_EQ(recv(sockets.one(), &c, 1, 0), 1); }), IsEmpty());
  ASSERT_EQ(fcntl(pipe.reader(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_THAT(Found([&] {
                EXPECT_EQ(read(pipe.reader(), &c, 1), -1);
                EXPECT_EQ(errno, EAGAIN);
              }),
              IsEmpty());
  const int file = open("/proc/self/stat", O_RDONLY);
  EXPECT_THAT(Found([&] { EXPECT_EQ(read(file, &c, 1), 1); }), IsEmpty());
  close(file);
}

TEST_F(BlockingCallsTest, WritingASocketOrPipeThatIsFull) {
  SocketPair sockets(SOCK_SEQPACKET);
  const auto fill_up = [&] {
    while (send(sockets.one(), "x", 1, MSG_DONTWAIT) == 1) {
    }
  };
  const auto drain = [&] {
    char c;
    while (recv(sockets.other(), &c, 1, MSG_DONTWAIT) == 1) {
    }
  };
  char c = 'x';
  iovec part = {.iov_base = &c, .iov_len = 1};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  EXPECT_THAT(Found([&] { EXPECT_EQ(send(sockets.one(), "x", 1, 0), 1); }), IsEmpty());
  fill_up();
  EXPECT_THAT(Found([&] { EXPECT_EQ(send(sockets.one(), "x", 1, 0), 1); }, drain),
              ElementsAre("send"));
  fill_up();
  EXPECT_THAT(Found([&] { EXPECT_EQ(sendto(sockets.one(), "x", 1, 0, nullptr, 0), 1); }, drain),
              ElementsAre("sendto"));
  fill_up();
  EXPECT_THAT(Found([&] { EXPECT_EQ(sendmsg(sockets.one(), &message, 0), 1); }, drain),
              ElementsAre("sendmsg"));
  fill_up();
  EXPECT_THAT(Found([&] { EXPECT_EQ(write(sockets.one(), "x", 1), 1); }, drain),
              ElementsAre("write"));
  fill_up();
  EXPECT_THAT(Found([&] { EXPECT_EQ(writev(sockets.one(), &part, 1), 1); }, drain),
              ElementsAre("writev"));
}

TEST_F(BlockingCallsTest, AcceptAndConnect) {
  Listener listener;
  const auto connect_to_it = [&] { listener.Connect(); };
  EXPECT_THAT(Found([&] { close(accept(listener.fd(), nullptr, nullptr)); }, connect_to_it),
              ElementsAre("accept"));
  EXPECT_THAT(Found([&] { close(accept4(listener.fd(), nullptr, nullptr, 0)); }, connect_to_it),
              ElementsAre("accept4"));
  EXPECT_THAT(Found([&] { listener.Connect(); }), ElementsAre("connect"));
}

TEST_F(BlockingCallsTest, LookingUpANameButNotAnAddress) {
  addrinfo* result = nullptr;
  EXPECT_THAT(Found([&] { EXPECT_EQ(getaddrinfo("127.0.0.1", "80", nullptr, &result), 0); }),
              IsEmpty());
  freeaddrinfo(result);
  EXPECT_THAT(Found([&] {
                if (getaddrinfo("localhost", "80", nullptr, &result) == 0) freeaddrinfo(result);
              }),
              ElementsAre("getaddrinfo"));
}

TEST_F(BlockingCallsTest, WhatHasToBeAnAddressIsNotLookedUp) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* result = nullptr;
  EXPECT_THAT(
      Found([&] { EXPECT_EQ(getaddrinfo("localhost", "80", &hints, &result), EAI_NONAME); }),
      IsEmpty());
}

TEST_F(BlockingCallsTest, Disks) {
  const std::string path = testing::TempDir() + "/blocking_calls_test_file";
  const int file = open(path.c_str(), O_CREAT | O_RDWR, 0600);
  EXPECT_THAT(Found([&] { fsync(file); }), ElementsAre("fsync"));
  EXPECT_THAT(Found([&] { fdatasync(file); }), ElementsAre("fdatasync"));
  close(file);
  unlink(path.c_str());
}

}  // namespace
}  // namespace weft
