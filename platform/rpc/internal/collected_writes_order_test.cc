// Many threads write to one connection while windows open and close: what the peer reads must be
// what was written, in the order it was written, nothing lost.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/rpc/internal/connected_pair.h"

namespace weft::rpc::internal {
namespace {

constexpr unsigned kWriters = 3;
constexpr int kRecords = 6000;
constexpr int kRecordsOfAWindow = 20;

struct Setting {
  const char* name;
  int peer_buffer_bytes;         // 0: the system's
  int not_sent_low_water_bytes;  // above it the kernel refuses more, whatever room it has
};

// Plays the acceptor: waits for room when it is told to, and pushes.
class RoomWatcher {
 public:
  explicit RoomWatcher(Pair& pair) : pair_(pair) {
    for (const int descriptor : {stop_, pair.duplicate}) {
      epoll_event event = {};
      event.events = descriptor == stop_ ? EPOLLIN : EPOLLRDHUP | EPOLLET;
      event.data.fd = descriptor;
      EXPECT_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), 0);
    }
    pair.on_watch = [this](bool for_room) {
      epoll_event event = {};
      event.events = EPOLLRDHUP | EPOLLET | (for_room ? EPOLLOUT : 0u);
      event.data.fd = pair_.duplicate;
      EXPECT_EQ(epoll_ctl(epoll_, EPOLL_CTL_MOD, pair_.duplicate, &event), 0);
    };
    thread_ = std::thread([this] {
      epoll_event event = {};
      while (epoll_wait(epoll_, &event, 1, -1) == 1 && event.data.fd != stop_) {
        pair_.writes->Push();
      }
    });
  }
  ~RoomWatcher() {
    eventfd_write(stop_, 1);
    thread_.join();
    close(stop_);
    close(epoll_);
  }

 private:
  Pair& pair_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int stop_ = eventfd(0, EFD_CLOEXEC);
  std::thread thread_;
};

std::string Record(int number, size_t filling) {
  std::array<char, 32> head;
  const int size = std::snprintf(head.data(), head.size(), "%08d %06zu ", number, filling);
  std::string record(head.data(), static_cast<size_t>(size));
  record.append(filling, static_cast<char>('a' + number % 26));
  return record;
}
constexpr size_t kHeadBytes = 16;

class CollectedWritesOrder : public testing::TestWithParam<Setting> {
 protected:
  CollectedWritesOrder() : pair_(GetParam().peer_buffer_bytes) {
    if (const int bytes = GetParam().not_sent_low_water_bytes; bytes > 0) {
      setsockopt(pair_.descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
    }
    EXPECT_EQ(Write(pair_.descriptor, "first;"), 6);
    EXPECT_EQ(pair_.Read(6), "first;");
  }

  // As gRPC's endpoint does: the rest after a partial write, and again when there is room.
  bool WriteAll(const std::string& record) {
    size_t written = 0;
    while (written < record.size()) {
      const ssize_t size = Write(pair_.descriptor, record.substr(written));
      if (size >= 0) {
        written += static_cast<size_t>(size);
      } else if (errno == EAGAIN) {
        AwaitRoom(pair_.descriptor);
      } else {
        return false;  // The reader has given up.
      }
    }
    return true;
  }

  // As gRPC does: one write at a time, on whichever thread. Dealt by lot, since a mutex alone may
  // let one thread write all. False when all are written.
  bool WriteNext(unsigned writer, size_t filling) {
    std::unique_lock<std::mutex> hold(mutex_);
    turn_changed_.wait(hold, [&] { return turn_ == writer || written_ == kRecords; });
    if (written_ < kRecords) {
      written_ = WriteAll(Record(written_, filling)) ? written_ + 1 : kRecords;
    }
    turn_ = lot_() % kWriters;
    turn_changed_.notify_all();
    return written_ < kRecords;
  }

  // With windows, as a shard; or without, as gRPC's own threads.
  void WriteRecords(unsigned writer, bool windows) {
    std::mt19937 random(writer);
    for (bool more = true; more;) {
      if (windows) {
        EXPECT_TRUE(pair_.writes->Open());
      }
      for (int i = 0; i < kRecordsOfAWindow && more; ++i) {
        more = WriteNext(writer, random() % 100 == 0 ? random() % 100'000 : random() % 200);
      }
      if (windows) pair_.writes->Close();
    }
  }

  void ReadRecords() {
    for (int number = 0; number < kRecords && !HasFailure(); ++number) {
      const std::string head = pair_.Read(kHeadBytes);
      size_t filling = 0;
      EXPECT_EQ(std::sscanf(head.c_str(), "%*d %zu ", &filling), 1) << head;
      EXPECT_EQ(head + pair_.Read(filling), Record(number, filling));
    }
  }

  Pair pair_;
  RoomWatcher watcher_{pair_};
  std::mutex mutex_;
  std::condition_variable turn_changed_;
  std::mt19937 lot_{1};
  unsigned turn_ = 0;
  int written_ = 0;
};

TEST_P(CollectedWritesOrder, IsTheOrderOfTheWritesOnAllThreads) {
  const CollectedWrites::Totals before = CollectedWrites::totals();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kWriters; ++i) {
    threads.emplace_back([this, i] { WriteRecords(i, /*windows=*/i > 0); });
  }
  ReadRecords();
  if (HasFailure()) close(std::exchange(pair_.peer, -1));
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(CollectedWrites::totals().kept, before.kept);
  if (GetParam().not_sent_low_water_bytes > 0) {
    EXPECT_GT(CollectedWrites::totals().stuck, before.stuck);
  }
}

INSTANTIATE_TEST_SUITE_P(, CollectedWritesOrder,
                         testing::Values(Setting{"Roomy", 0, 0}, Setting{"SmallSegments", 4096, 0},
                                         Setting{"Refusing", 4096, 1}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weft::rpc::internal
