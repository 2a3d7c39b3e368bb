#include "platform/rpc/internal/fair_reads.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "platform/rpc/internal/connected_pair.h"

namespace weft::rpc::internal {
namespace {

constexpr int kShard = 3;

struct Got {
  ssize_t size = 0;
  std::string bytes = "";
  int left = -1;  // -1: the kernel did not say
};

// A connection whose server side is read as gRPC does: edge-triggered, asking what is left.
class Reader {
 public:
  explicit Reader(bool registered = true, bool asks_for_left = true, bool rests = false) {
    const int on = asks_for_left ? 1 : 0;
    EXPECT_EQ(setsockopt(pair_.descriptor, IPPROTO_TCP, TCP_INQ, &on, sizeof(on)), 0);
    // Room for all that a test sends at once.
    const int room = 200'000;
    setsockopt(pair_.descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    EXPECT_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, pair_.descriptor, &event), 0);
    if (registered) FairReads::Register(pair_.descriptor, resting_);
    // Where a test does not look at rests, there are none.
    if (!rests) resting_->Close();
  }
  ~Reader() { close(epoll_); }

  int descriptor() const { return pair_.descriptor; }
  // Waits until all of it has arrived.
  void Send(const std::string& bytes) {
    std::thread sender([&] {
      size_t sent = 0;
      while (sent < bytes.size()) {
        const ssize_t done = send(pair_.peer, &bytes[sent], bytes.size() - sent, 0);
        ASSERT_GT(done, 0);
        sent += static_cast<size_t>(done);
      }
    });
    sender.join();
    std::string seen(bytes.size(), '\0');
    while (recv(pair_.descriptor, seen.data(), seen.size(), MSG_PEEK) <
           static_cast<ssize_t>(bytes.size())) {
      pollfd wanted = {pair_.descriptor, POLLIN, 0};
      ASSERT_EQ(poll(&wanted, 1, -1), 1);
    }
  }
  // Into two buffers of half the room each.
  Got Read(size_t room) {
    std::string buffer(room, '\0');
    iovec parts[] = {{buffer.data(), room / 2}, {&buffer[room / 2], room - room / 2}};
    alignas(cmsghdr) char control[64];
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    Got got;
    got.size = recvmsg(pair_.descriptor, &message, 0);
    if (got.size > 0) got.bytes = buffer.substr(0, static_cast<size_t>(got.size));
    cmsghdr* const header = got.size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (header != nullptr) std::memcpy(&got.left, CMSG_DATA(header), sizeof(got.left));
    return got;
  }
  // Whether there was an event since the last one was taken.
  bool Event() {
    epoll_event event = {};
    return epoll_wait(epoll_, &event, 1, 0) == 1;
  }
  void EndCalls(uint32_t calls, uint32_t taken_back) {
    for (uint32_t i = 0; i < calls; ++i) FairReads::CallEnded(descriptor(), kShard, i < taken_back);
  }
  uint32_t window() const { return FairReads::window(descriptor()); }
  std::shared_ptr<RestingReads> resting() const { return resting_; }
  void HangUp() { shutdown(pair_.peer, SHUT_WR); }

 private:
  Pair pair_{};
  const std::shared_ptr<RestingReads> resting_ = std::make_shared<RestingReads>();
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
};

std::string Numbered(size_t size) {
  std::string bytes;
  for (size_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + ",";
  bytes.resize(size);
  return bytes;
}

TEST(FairReads, OtherDescriptorsAreReadAsBefore) {
  Reader reader(/*registered=*/false);
  reader.Send(Numbered(60'000));
  const Got got = reader.Read(50'000);
  EXPECT_EQ(got.bytes, Numbered(50'000));
  EXPECT_EQ(got.left, 10'000);
}

TEST(FairReads, AFullWindowLooksLikeTheEndAndIsFollowedByAnEvent) {
  Reader reader;
  reader.Send(Numbered(60'000));
  EXPECT_TRUE(reader.Event());
  EXPECT_FALSE(reader.Event());
  std::string all;
  for (size_t window = FairReads::kFirstWindow; all.size() < 60'000; window *= 2) {
    const Got got = reader.Read(200'000);
    ASSERT_EQ(got.bytes.size(), std::min(window, 60'000 - all.size()));
    EXPECT_EQ(got.left, 0);
    all += got.bytes;
    EXPECT_EQ(reader.Event(), all.size() < 60'000) << all.size();
    EXPECT_FALSE(reader.Event()) << "one a window";
  }
  EXPECT_EQ(all, Numbered(60'000));
  EXPECT_EQ(reader.Read(10).size, -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(FairReads, SmallReadsAddUpToAWindow) {
  Reader reader;
  reader.Send(Numbered(10'000));
  EXPECT_TRUE(reader.Event());
  EXPECT_EQ(reader.Read(1'500).left, 8'500);
  EXPECT_FALSE(reader.Event());
  const Got last = reader.Read(4'000);
  EXPECT_EQ(last.bytes.size(), FairReads::kFirstWindow - 1'500);
  EXPECT_EQ(last.left, 0);
  EXPECT_TRUE(reader.Event());
  EXPECT_EQ(reader.Read(10'000).bytes.size(), 2 * FairReads::kFirstWindow) << "a new one";
}

TEST(FairReads, AWindowThatWasNotFullStaysAsItIs) {
  Reader reader;
  for (int i = 0; i < 10; ++i) {
    reader.Send(Numbered(FairReads::kFirstWindow));
    EXPECT_EQ(reader.Read(100'000).left, 0);
  }
  EXPECT_EQ(reader.window(), FairReads::kFirstWindow);
  EXPECT_FALSE(reader.Event()) << "there was nothing left to tell of";
}

TEST(FairReads, WindowsGrowUpToTheirMaximum) {
  Reader reader;
  for (int i = 0; i < 20; ++i) {
    reader.Send(Numbered(140'000));
    for (size_t read = 0; read < 140'000;) read += reader.Read(140'000).bytes.size();
  }
  EXPECT_EQ(reader.window(), FairReads::kMaxWindow);
}

TEST(FairReads, AClientThatTakesMostCallsBackIsReadInSmallWindowsUntilItShowsBetter) {
  Reader reader;
  reader.EndCalls(20, 19);
  reader.Send(Numbered(100'000));
  EXPECT_EQ(reader.Read(200'000).bytes.size(), FairReads::kFirstWindow) << "this one had begun";
  EXPECT_EQ(reader.window(), FairReads::kMinWindow);
  for (int i = 0; i < 10; ++i) {
    const Got got = reader.Read(200'000);
    EXPECT_EQ(got.bytes.size(), FairReads::kMinWindow);
    EXPECT_EQ(got.left, 0);
    EXPECT_TRUE(reader.Event());
  }
  reader.EndCalls(FairReads::kJudgedCalls - 1, 0);
  EXPECT_EQ(reader.Read(200'000).bytes.size(), FairReads::kMinWindow);
  EXPECT_EQ(reader.window(), FairReads::kMinWindow) << "too few to judge by";
  reader.EndCalls(1, 0);
  EXPECT_EQ(reader.Read(200'000).bytes.size(), FairReads::kMinWindow);
  EXPECT_EQ(reader.window(), 2 * FairReads::kMinWindow);
}

TEST(FairReads, AFewCallsTakenBackChangeNothing) {
  Reader reader;
  for (int i = 0; i < 10; ++i) {
    reader.EndCalls(FairReads::kJudgedCalls, FairReads::kJudgedCalls / 2);
    reader.Send("x");
    EXPECT_EQ(reader.Read(10).bytes, "x");
  }
  EXPECT_EQ(reader.window(), FairReads::kFirstWindow);
}

TEST(FairReads, TheNextConnectionOfANumberBeginsAnew) {
  Reader reader;
  reader.EndCalls(20, 20);
  FairReads::Register(reader.descriptor(), nullptr);
  reader.Send("x");
  reader.Read(10);
  EXPECT_EQ(reader.window(), FairReads::kFirstWindow);
}

TEST(FairReads, AClientThatIsNotTrustedRestsAfterEachWindow) {
  Reader reader(true, true, /*rests=*/true);
  reader.Send(Numbered(100'000));
  EXPECT_TRUE(reader.Event());
  EXPECT_EQ(reader.Read(200'000).left, 0);
  EXPECT_FALSE(reader.Event());
  std::vector<RestingReads::Connection> resting = reader.resting()->Take();
  ASSERT_EQ(resting.size(), 1u);
  EXPECT_EQ(resting[0].descriptor, reader.descriptor());
  EXPECT_TRUE(reader.resting()->Take().empty());
  FairReads::Resume(reader.descriptor());
  EXPECT_TRUE(reader.Event());

  reader.EndCalls(FairReads::kJudgedCalls, 0);
  reader.Read(200'000);
  resting = reader.resting()->Take();
  ASSERT_EQ(resting.size(), 0u) << "trusted now";
  EXPECT_TRUE(reader.Event());

  reader.EndCalls(FairReads::kJudgedCalls, FairReads::kJudgedCalls);
  reader.Read(200'000);
  EXPECT_FALSE(reader.Event());
  resting = reader.resting()->Take();
  ASSERT_EQ(resting.size(), 1u) << "no longer";
  EXPECT_EQ(resting[0].shard, kShard);
}

TEST(FairReads, WindowsThatBringManyCallsDoNotGrowBeforeTheseAreJudged) {
  Reader reader;
  reader.Send(Numbered(100'000));
  for (int i = 0; i < 5; ++i) {
    for (uint32_t call = 0; call <= FairReads::kFewCalls; ++call) {
      FairReads::CallBegan(reader.descriptor());
    }
    EXPECT_EQ(reader.Read(200'000).bytes.size(), FairReads::kFirstWindow);
    EXPECT_EQ(reader.window(), FairReads::kFirstWindow);
  }
  FairReads::CallBegan(reader.descriptor());
  EXPECT_EQ(reader.Read(200'000).bytes.size(), FairReads::kFirstWindow);
  EXPECT_EQ(reader.window(), 2 * FairReads::kFirstWindow);
}

TEST(FairReads, NobodyRestsWhereNobodyWouldResume) {
  Reader reader(true, true, /*rests=*/true);
  reader.Send(Numbered(100'000));
  EXPECT_TRUE(reader.Event());
  reader.resting()->Close();
  EXPECT_EQ(reader.Read(200'000).left, 0);
  EXPECT_TRUE(reader.Event());
  FairReads::Register(reader.descriptor(), std::make_shared<RestingReads>());  // gone at once
  EXPECT_EQ(reader.Read(200'000).left, 0);
  EXPECT_TRUE(reader.Event());
}

TEST(FairReads, WhoDoesNotAskWhatIsLeftIsNotTold) {
  Reader reader(/*registered=*/true, /*asks_for_left=*/false);
  reader.Send(Numbered(10'000));
  EXPECT_TRUE(reader.Event());
  size_t read = 0;
  for (Got got = reader.Read(10'000); got.size > 0; got = reader.Read(10'000)) {
    EXPECT_EQ(got.left, -1);
    read += got.bytes.size();
  }
  EXPECT_EQ(read, 10'000u);
  EXPECT_FALSE(reader.Event());
}

TEST(FairReads, TheEndOfTheConnectionIsSeen) {
  Reader reader;
  reader.Send(Numbered(3'000));
  reader.HangUp();
  EXPECT_EQ(reader.Read(10'000).bytes.size(), FairReads::kFirstWindow);
  EXPECT_TRUE(reader.Event());
  EXPECT_EQ(reader.Read(10'000).bytes.size(), 3'000 - FairReads::kFirstWindow);
  EXPECT_EQ(reader.Read(10'000).size, 0);
}

}  // namespace
}  // namespace weft::rpc::internal
