// Replies that leave together (ARCHITECTURE.md): in every way of doing it, on several shards, to
// peers that do not read, and when the server shuts down.
#include <grpc/grpc.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/internal/collected_writes.h"
#include "platform/rpc/raw_http2_client.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using internal::CollectedWrites;

// Thread sanitizer takes gRPC as a shared object, whose system calls are not caught.
#ifdef __SANITIZE_THREAD__
constexpr bool kGrpcIsCaught = false;
#else
constexpr bool kGrpcIsCaught = true;
#endif

size_t SmallReply(size_t call) { return call * 37 % 1500; }
// Among small ones, some round the size of the collector's buffer.
size_t SmallOrLargeReply(size_t call) {
  return call % 10 == 9 ? CollectedWrites::kMaxKeptBytes - 300 + call : SmallReply(call);
}

// Calls at once that all echo `calls` payloads; on the calling fiber's shard.
absl::Status EchoMany(TestServer& server, size_t calls) {
  TaskGroup group;
  for (size_t i = 0; i < calls; ++i) {
    group.Spawn([&server, i]() -> absl::Status {
      EchoRequest request;
      request.set_payload(std::string(SmallOrLargeReply(i), static_cast<char>('a' + i % 26)));
      const absl::StatusOr<EchoReply> reply = server.client().Say(request);
      if (!reply.ok()) return reply.status();
      EXPECT_TRUE(reply->payload() == request.payload()) << "call " << i;
      return absl::OkStatus();
    });
  }
  return group.Wait();
}

class Replies : public testing::TestWithParam<CoalesceReplies> {
 protected:
  // Held to the end of the process: after a write that had to wait, gRPC's shutdown may take the
  // ten seconds that its backup poller sleeps.
  static void SetUpTestSuite() { grpc_init(); }
};

TEST_P(Replies, OfOneConnectionOnTwoShardsArriveWhole) {
  TestServer server({.coalesce_replies = GetParam()}, /*shards=*/2);
  std::vector<std::thread> callers;
  for (int shard = 0; shard < 2; ++shard) {
    callers.emplace_back([&server, shard] {
      server.runtime().Run(
          [&] {
            for (int round = 0; round < 10; ++round) {
              EXPECT_EQ(EchoMany(server, 60), absl::OkStatus());
            }
          },
          shard);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST_P(Replies, AreCollectedWhereAskedForAndPossible) {
  const uint64_t before = CollectedWrites::totals().kept;
  TestServer server({.coalesce_replies = GetParam()});
  server.Run([&] { EXPECT_EQ(EchoMany(server, 100), absl::OkStatus()); });
  const uint64_t kept = CollectedWrites::totals().kept - before;
  if (GetParam() == CoalesceReplies::kCollect && kGrpcIsCaught) {
    EXPECT_GT(kept, 0u);
  } else {
    EXPECT_EQ(kept, 0u);
  }
}

// --- A peer that does not read ----------------------------------------------------------------

// The server's descriptor for the connection that comes from `port`; -1 when there is none.
int FindDescriptor(int server_port, int port) {
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in local = {};
    sockaddr_in peer = {};
    socklen_t length = sizeof(local);
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &length) != 0) continue;
    length = sizeof(peer);
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    if (ntohs(local.sin_port) == server_port && ntohs(peer.sin_port) == port) return descriptor;
  }
  return -1;
}

// A server and a client that leaves the replies unread until it is told to read them.
class SlowPeer {
 public:
  static constexpr int kPeerBufferBytes = 4096;

  SlowPeer(CoalesceReplies coalesce, int shards, size_t (*size_of_reply)(size_t))
      : size_of_reply_(size_of_reply), server_({.coalesce_replies = coalesce}, shards) {
    server_.echo().say = [this](CallContext&, const EchoRequest& request) {
      ++started_;
      while (started_ < calls_ || held_) weft::Yield();
      EchoReply reply;
      reply.set_payload(Payload(std::stoul(request.payload())));
      ++ended_;
      return reply;
    };
    // The shards know of the handler, also as thread sanitizer sees it.
    for (int i = 0; i < shards; ++i) server_.runtime().Run([] {}, i);
    client_.emplace(server_.port(), kPeerBufferBytes);
  }

  // Once: makes calls whose handlers return together, and returns behind that.
  void MakeCalls(size_t calls) {
    StartCalls(calls);
    while (ended_ < calls) std::this_thread::yield();
  }

  // The calls' handlers return when all of them have begun, and not before ReleaseHandlers().
  void HoldHandlers() { held_ = true; }
  void ReleaseHandlers() { held_ = false; }
  void StartCalls(size_t calls) {
    calls_ = calls;
    for (size_t i = 0; i < calls; ++i) {
      EchoRequest request;
      request.set_payload(absl::StrCat(i));
      streams_.push_back(client_->StartCall("/bench.v1.Echo/Say", request.SerializeAsString()));
    }
    while (started_ < calls) std::this_thread::yield();
  }

  void ReadAndCheckAll() {
    std::map<uint32_t, std::string> replies = client_->ReadReplies(streams_.size());
    for (size_t i = 0; i < streams_.size(); ++i) {
      EchoReply reply;
      reply.set_payload(Payload(i));
      EXPECT_TRUE(replies[streams_[i]] == RawHttp2Client::Prefixed(reply.SerializeAsString()))
          << "call " << i;
    }
  }

  // From now on the kernel takes no more of the replies while it has some that are not sent,
  // whatever room it says it has.
  void RefuseMoreThanIsSent() {
    while (server_.server().Stats().connections_open == 0) std::this_thread::yield();
    const int descriptor = FindDescriptor(server_.port(), client_->local_port());
    const int one = 1;
    EXPECT_EQ(setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &one, sizeof(one)), 0);
  }

  // Until the client's kernel has little room left; how little depends on the segments.
  void AwaitFullSocket() const {
    while (client_->UnreadBytes() < kPeerBufferBytes / 2) std::this_thread::yield();
  }

  void GoAway() { client_.reset(); }
  RawHttp2Client& client() { return *client_; }
  TestServer& server() { return server_; }

 private:
  std::string Payload(size_t call) const {
    return std::string(size_of_reply_(call), static_cast<char>('a' + call % 26));
  }

  size_t (*const size_of_reply_)(size_t);
  std::atomic<size_t> calls_{0};
  std::atomic<bool> held_{false};
  std::atomic<size_t> started_{0};
  std::atomic<size_t> ended_{0};
  std::vector<uint32_t> streams_;
  TestServer server_;
  std::optional<RawHttp2Client> client_;
};

constexpr size_t kManyCalls = 1000;  // 7 MB with large replies: more than the sockets hold

TEST_P(Replies, WaitForAPeerThatReadsLate) {
  for (const int shards : {1, 2}) {
    SlowPeer peer(GetParam(), shards, SmallOrLargeReply);
    peer.MakeCalls(kManyCalls);
    peer.ReadAndCheckAll();
  }
}

// Runs `once` until the kernel has refused collected bytes in it: it may have been gRPC itself that
// was refused. Once where none are collected.
template <typename F>
void UntilStuck(CoalesceReplies coalesce, F once) {
  const uint64_t before = CollectedWrites::totals().stuck;
  const bool collected = coalesce == CoalesceReplies::kCollect && kGrpcIsCaught;
  int tries_left = 100;
  do {
    once();
    ASSERT_GT(--tries_left, 0);
  } while (collected && CollectedWrites::totals().stuck == before);
}

TEST_P(Replies, StuckBeforeOthersKeepTheirPlace) {
  UntilStuck(GetParam(), [this] {
    SlowPeer peer(GetParam(), /*shards=*/2, SmallReply);
    peer.RefuseMoreThanIsSent();
    peer.MakeCalls(kManyCalls);
    peer.AwaitFullSocket();
    peer.ReadAndCheckAll();
  });
}

// gRPC has nothing left to write behind the stuck bytes, so the acceptor has to push them.
TEST_P(Replies, StuckWithNothingBehindThemComeWhenThePeerReadsOn) {
  UntilStuck(GetParam(), [this] {
    SlowPeer peer(GetParam(), /*shards=*/1, SmallReply);
    peer.RefuseMoreThanIsSent();
    peer.MakeCalls(30);  // 22 KB at once: more than the peer takes unread.
    peer.AwaitFullSocket();
    peer.ReadAndCheckAll();
  });
}

TEST_P(Replies, ToAPeerThatGoesAwayHarmNobodyElse) {
  SlowPeer peer(GetParam(), /*shards=*/2, SmallOrLargeReply);
  peer.MakeCalls(kManyCalls);
  peer.GoAway();
  EchoRequest request;
  request.set_payload("0");
  peer.server().Run([&] { EXPECT_TRUE(peer.server().client().Say(request).ok()); });
}

// gRPC closes a connection that is to go as soon as its last reply is written, which may be in a
// window.
TEST_P(Replies, OfTheLastTurnLeaveBeforeTheConnectionCloses) {
  SlowPeer peer(GetParam(), /*shards=*/1, SmallReply);
  peer.HoldHandlers();
  peer.StartCalls(50);
  std::thread shutdown([&] { EXPECT_EQ(peer.server().server().Shutdown({}), absl::OkStatus()); });
  peer.client().AwaitGoAway();
  peer.ReleaseHandlers();
  peer.ReadAndCheckAll();
  shutdown.join();
}

std::string NameOf(const testing::TestParamInfo<CoalesceReplies>& info) {
  if (info.param == CoalesceReplies::kOff) return "Off";
  return info.param == CoalesceReplies::kCork ? "Cork" : "Collect";
}

INSTANTIATE_TEST_SUITE_P(, Replies,
                         testing::Values(CoalesceReplies::kOff, CoalesceReplies::kCork,
                                         CoalesceReplies::kCollect),
                         NameOf);

}  // namespace
}  // namespace weft::rpc
