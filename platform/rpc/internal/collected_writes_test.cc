#include "platform/rpc/internal/collected_writes.h"

#include <linux/net_tstamp.h>
#include <sys/syscall.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "platform/rpc/internal/connected_pair.h"

namespace weft::rpc::internal {
namespace {

// A pair with a window open, after a first write that has been read.
class OpenPair : public Pair {
 public:
  explicit OpenPair(int peer_buffer_bytes = 0) : Pair(peer_buffer_bytes) {
    EXPECT_EQ(Write(descriptor, "first;"), 6);
    EXPECT_EQ(Read(6), "first;");
    EXPECT_TRUE(writes->Open());
  }
};

TEST(CollectedWrites, WithoutAWindowWritesGoOutAtOnce) {
  Pair pair;
  EXPECT_EQ(Write(pair.descriptor, "one"), 3);
  EXPECT_EQ(pair.Read(3), "one");
}

TEST(CollectedWrites, OfAWindowLeaveTogetherAtItsEnd) {
  OpenPair pair;
  const unsigned segments = pair.Segments();
  const uint64_t kept = CollectedWrites::totals().kept;
  for (const char* const text : {"one,", "two,", "three"}) {
    EXPECT_EQ(Write(pair.descriptor, text), static_cast<ssize_t>(strlen(text)));
  }
  EXPECT_EQ(pair.TryRead(), "");
  pair.writes->Close();
  EXPECT_EQ(pair.Read(13), "one,two,three");
  EXPECT_EQ(pair.Segments(), segments + 1);
  EXPECT_EQ(CollectedWrites::totals().kept, kept + 3);
  EXPECT_EQ(Write(pair.descriptor, "four"), 4);
  EXPECT_EQ(pair.Read(4), "four");
}

TEST(CollectedWrites, PartsOfAMessageAreKeptInOrder) {
  OpenPair pair;
  char first[] = "ab";
  char last[] = "cde";
  iovec parts[] = {{first, 2}, {nullptr, 0}, {last, 3}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = 3;
  EXPECT_EQ(sendmsg(pair.descriptor, &message, MSG_NOSIGNAL), 5);
  pair.writes->Close();
  EXPECT_EQ(pair.Read(5), "abcde");
}

TEST(CollectedWrites, EachOfTwoWindowsSendsWhatIsThere) {
  OpenPair pair;
  ASSERT_TRUE(pair.writes->Open());
  Write(pair.descriptor, "one");
  pair.writes->Close();
  EXPECT_EQ(pair.Read(3), "one");
  Write(pair.descriptor, "two");
  EXPECT_EQ(pair.TryRead(), "");
  pair.writes->Close();
  EXPECT_EQ(pair.Read(3), "two");
}

TEST(CollectedWrites, EmptyWindowSendsNothing) {
  OpenPair pair;
  const unsigned segments = pair.Segments();
  pair.writes->Close();
  EXPECT_EQ(pair.Segments(), segments);
}

TEST(CollectedWrites, NoWindowBeforeAFirstWriteIsCaught) {
  Pair pair;
  EXPECT_FALSE(pair.writes->Open());
  char text[] = "not caught";
  iovec part = {text, 10};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  // As a shared gRPC would.
  EXPECT_EQ(syscall(SYS_sendmsg, pair.descriptor, &message, MSG_NOSIGNAL), 10);
  EXPECT_FALSE(pair.writes->Open());
  EXPECT_EQ(pair.Read(10), "not caught");
}

TEST(CollectedWrites, OtherDescriptorsPass) {
  OpenPair pair;
  int ends[2] = {};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_EQ(Write(ends[0], "passes"), 6);
  char bytes[6] = {};
  EXPECT_EQ(recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT), 6);
  EXPECT_EQ(Write(-1, "x"), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(Write(CollectedWrites::kMaxDescriptors + 1, "x"), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(shutdown(ends[0], SHUT_RDWR), 0);
  EXPECT_EQ(recv(ends[1], bytes, sizeof(bytes), 0), 0);
  close(ends[0]);
  close(ends[1]);
  pair.writes->Close();
}

TEST(CollectedWritesDeathTest, BadUse) {
  Pair pair;
  EXPECT_DEATH(pair.writes->Close(), "ends a window that Open\\(\\) has opened");
  EXPECT_DEATH(CollectedWrites(CollectedWrites::kMaxDescriptors, pair.duplicate, [](bool) {}),
               "beyond kMaxDescriptors");
  Write(pair.descriptor, "x");
  EXPECT_DEATH(
      {
        if (pair.writes->Open()) pair.writes.reset();
      },
      "destroyed while its writes are being collected");
}

// --- Limits, and messages that are more than bytes -------------------------------------------

TEST(CollectedWrites, OverTheLimitWhatIsKeptLeavesAndCollectingBeginsAnew) {
  OpenPair pair;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string bytes(1000, static_cast<char>('a' + i % 26));
    ASSERT_EQ(Write(pair.descriptor, bytes), 1000);
    all += bytes;
  }
  // The last of them are still kept.
  const std::string early = pair.TryRead();
  EXPECT_GT(early.size(), 0u);
  EXPECT_LT(early.size(), all.size());
  pair.writes->Close();
  EXPECT_EQ(early + pair.Read(all.size() - early.size()), all);
}

TEST(CollectedWrites, MessageOverTheLimitPassesBehindWhatIsKept) {
  OpenPair pair;
  Write(pair.descriptor, "small");
  const std::string large(CollectedWrites::kMaxKeptBytes + 1, 'L');
  const ssize_t sent = Write(pair.descriptor, large);
  ASSERT_GT(sent, 0);
  Write(pair.descriptor, "end");
  const size_t size = static_cast<size_t>(sent);
  EXPECT_EQ(pair.Read(5 + size), "small" + large.substr(0, size));
  pair.writes->Close();
  EXPECT_EQ(pair.Read(3), "end");
}

TEST(CollectedWrites, FullSocketIsNotCollectedForAndReportsItself) {
  Pair pair;
  Write(pair.descriptor, "first;");
  const std::string filled = pair.Fill();
  ASSERT_TRUE(pair.writes->Open());
  EXPECT_EQ(Write(pair.descriptor, "x"), -1);
  EXPECT_EQ(errno, EAGAIN);
  pair.writes->Close();
  EXPECT_TRUE(pair.watched.empty());
  EXPECT_EQ(pair.Read(6 + filled.size()), "first;" + filled);
}

TEST(CollectedWrites, AncillaryDataPassesBehindWhatIsKept) {
  OpenPair pair;
  Write(pair.descriptor, "kept,");
  char text[] = "stamped,";
  iovec part = {text, 8};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(uint32_t))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SO_TIMESTAMPING;
  header->cmsg_len = CMSG_LEN(sizeof(uint32_t));
  const uint32_t wanted = SOF_TIMESTAMPING_TX_ACK;
  std::memcpy(CMSG_DATA(header), &wanted, sizeof(wanted));
  EXPECT_EQ(sendmsg(pair.descriptor, &message, MSG_NOSIGNAL), 8);
  EXPECT_EQ(pair.Read(13), "kept,stamped,");
  Write(pair.descriptor, "kept again");
  EXPECT_EQ(pair.TryRead(), "");
  pair.writes->Close();
  EXPECT_EQ(pair.Read(10), "kept again");
}

TEST(CollectedWrites, FlagsWithAMeaningPassBehindWhatIsKept) {
  OpenPair pair;
  Write(pair.descriptor, "kept,", MSG_NOSIGNAL | MSG_DONTWAIT);
  EXPECT_EQ(pair.TryRead(), "");
  EXPECT_EQ(Write(pair.descriptor, "zero copy", MSG_NOSIGNAL | MSG_ZEROCOPY), 9);
  EXPECT_EQ(pair.Read(14), "kept,zero copy");
  pair.writes->Close();
}

// --- The kernel refuses kept bytes ------------------------------------------------------------

// A pair whose window has closed with bytes that the kernel did not take.
class StuckPair : public OpenPair {
 public:
  StuckPair() {
    EXPECT_EQ(Write(descriptor, "kept"), 4);
    filled = Fill();
    writes->Close();
    EXPECT_EQ(watched, std::vector<bool>{true});
  }
  std::string filled;
};

TEST(StuckWrites, ArePushedWhenThereIsRoomWithoutAnotherWrite) {
  StuckPair pair;
  EXPECT_EQ(pair.Read(pair.filled.size()), pair.filled);
  AwaitRoom(pair.duplicate);
  pair.writes->Push();
  EXPECT_EQ(pair.watched, (std::vector<bool>{true, false}));
  EXPECT_EQ(pair.Read(4), "kept");
}

TEST(StuckWrites, PushWithoutRoomKeepsWaiting) {
  StuckPair pair;
  pair.writes->Push();
  EXPECT_EQ(pair.watched, std::vector<bool>{true});
  EXPECT_EQ(pair.Read(pair.filled.size()), pair.filled);
  pair.PushUntilNothingIsStuck();
  EXPECT_EQ(pair.Read(4), "kept");
}

TEST(StuckWrites, NextWriteTriesThemFirst) {
  StuckPair pair;
  EXPECT_EQ(Write(pair.descriptor, "later"), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(pair.Read(pair.filled.size()), pair.filled);
  AwaitRoom(pair.descriptor);  // What gRPC waits for.
  EXPECT_EQ(Write(pair.descriptor, "later"), 5);
  EXPECT_EQ(pair.Read(9), "keptlater");
  pair.writes->Push();  // The one who waits comes late.
  EXPECT_EQ(pair.watched, (std::vector<bool>{true, false}));
}

TEST(StuckWrites, NextWindowKeepsNothingUntilTheyAreGone) {
  StuckPair pair;
  ASSERT_TRUE(pair.writes->Open());
  EXPECT_EQ(Write(pair.descriptor, "later"), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(pair.Read(pair.filled.size()), pair.filled);
  AwaitRoom(pair.descriptor);
  EXPECT_EQ(Write(pair.descriptor, "later"), 5);
  EXPECT_EQ(pair.Read(4), "kept");
  pair.writes->Close();
  EXPECT_EQ(pair.Read(5), "later");
}

TEST(StuckWrites, LeaveInPiecesAsTheRoomComes) {
  OpenPair pair(/*peer_buffer_bytes=*/4096);
  std::string kept;
  for (int i = 0; i < 20; ++i) kept += std::string(500, static_cast<char>('a' + i));
  ASSERT_EQ(Write(pair.descriptor, kept), static_cast<ssize_t>(kept.size()));
  const std::string filled = pair.Fill();
  pair.writes->Close();
  ASSERT_EQ(pair.watched, std::vector<bool>{true});
  std::string all;
  while (all.size() < filled.size() + kept.size()) {
    const std::string part = pair.Read(100);
    ASSERT_EQ(part.size(), 100u);
    all += part;
    if (pair.watched.back()) pair.writes->Push();
    if (all.size() + 100 > filled.size() + kept.size()) {
      all += pair.Read(filled.size() + kept.size() - all.size());
    }
  }
  EXPECT_EQ(all, filled + kept);
  EXPECT_FALSE(pair.watched.back());
}

TEST(StuckWrites, ShutdownWaitsForThem) {
  StuckPair pair;
  pair.ShutDownAndClose();
  EXPECT_EQ(pair.Read(pair.filled.size()), pair.filled);
  pair.PushUntilNothingIsStuck();
  EXPECT_EQ(pair.Read(4), "kept");
  EXPECT_TRUE(pair.AtEnd());
}

TEST(StuckWrites, OfADestroyedConnectionBreakIt) {
  StuckPair pair;
  pair.writes.reset();
  EXPECT_EQ(Write(pair.descriptor, "behind a gap"), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(pair.Read(pair.filled.size() + 1), pair.filled);
}

// --- Ends ------------------------------------------------------------------------------------

TEST(CollectedWritesEnd, PeerGoneDropsTheBytesAndGrpcSeesIt) {
  OpenPair pair;
  Write(pair.descriptor, "kept");
  const linger reset = {1, 0};
  setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(std::exchange(pair.peer, -1));
  pair.writes->Close();
  EXPECT_TRUE(pair.watched.empty());
  EXPECT_EQ(Write(pair.descriptor, "more"), -1);
  EXPECT_EQ(errno, EPIPE);
  char byte = 0;
  EXPECT_EQ(recv(pair.descriptor, &byte, 1, 0), 0);
}

TEST(CollectedWritesEnd, ShutdownInAWindowSendsWhatIsKeptFirst) {
  OpenPair pair;
  Write(pair.descriptor, "the last reply");
  pair.ShutDownAndClose();
  EXPECT_EQ(pair.Read(14), "the last reply");
  EXPECT_TRUE(pair.AtEnd());
  pair.writes->Close();
  EXPECT_FALSE(pair.writes->Open());
}

TEST(CollectedWritesEnd, ReusedDescriptorBelongsToItsNewConnection) {
  OpenPair old;
  Pair fresh;
  Write(old.descriptor, "old,");
  const int number = old.descriptor;
  old.ShutDownAndClose();
  // gRPC's close frees the number; accept4 gives it out again.
  fresh.writes.reset();
  ASSERT_EQ(dup3(fresh.descriptor, number, O_CLOEXEC), number);
  close(std::exchange(fresh.descriptor, number));
  fresh.Register();
  Write(fresh.descriptor, "first,");
  ASSERT_TRUE(fresh.writes->Open());
  Write(fresh.descriptor, "kept");
  old.writes->Close();
  EXPECT_EQ(fresh.Read(6), "first,");
  EXPECT_EQ(fresh.TryRead(), "");
  old.writes.reset();
  fresh.writes->Close();
  EXPECT_EQ(fresh.Read(4), "kept");
  EXPECT_EQ(old.Read(4), "old,");
}

TEST(CollectedWritesEnd, ReuseWithoutAShutdownMixesNothingEither) {
  OpenPair old;
  Pair fresh;
  Write(old.descriptor, "old");
  fresh.writes.reset();
  ASSERT_EQ(dup3(fresh.descriptor, old.descriptor, O_CLOEXEC), old.descriptor);
  close(std::exchange(fresh.descriptor, std::exchange(old.descriptor, -1)));
  fresh.Register();
  Write(fresh.descriptor, "fresh");
  EXPECT_EQ(fresh.Read(5), "fresh");
  old.writes->Close();
  EXPECT_EQ(old.Read(3), "old");
  EXPECT_EQ(fresh.TryRead(), "");
}

}  // namespace
}  // namespace weft::rpc::internal
