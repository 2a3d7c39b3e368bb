#include "platform/rpc/compression.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::DownloadRequest;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;

EchoRequest LongRequest() {
  EchoRequest request;
  request.set_payload(std::string(10'000, 'x'));
  return request;
}

TEST(Compression, NothingIsCompressedUnlessAskedFor) {
  TestServer server;
  bool request_was = true;
  bool reply_was = true;
  server.echo().say = [&](CallContext& call, const EchoRequest& request) {
    request_was = call.request_was_compressed();
    EchoReply reply;
    reply.set_payload(request.payload());
    return reply;
  };
  server.Run([&] {
    EXPECT_TRUE(server.client().Say(LongRequest(), {.reply_was_compressed = &reply_was}).ok());
  });
  EXPECT_FALSE(request_was);
  EXPECT_FALSE(reply_was);
}

TEST(Compression, EachSideCompressesWhatItSends) {
  for (const Compression compression : {Compression::kGzip, Compression::kDeflate}) {
    TestServer server;
    bool request_was = false;
    bool reply_was = false;
    server.echo().say = [&](CallContext& call, const EchoRequest& request) {
      request_was = call.request_was_compressed();
      call.CompressReplies();
      EchoReply reply;
      reply.set_payload(request.payload());
      return reply;
    };
    server.Run([&] {
      const auto reply = server.client().Say(
          LongRequest(), {.compression = compression, .reply_was_compressed = &reply_was});
      ASSERT_TRUE(reply.ok()) << reply.status();
      EXPECT_EQ(reply->payload(), LongRequest().payload());
    });
    EXPECT_TRUE(request_was);
    EXPECT_TRUE(reply_was);
  }
}

TEST(Compression, IsNotLeftOverForTheNextCall) {
  TestServer server;
  bool compress = true;
  server.echo().say = [&](CallContext& call, const EchoRequest& request) {
    if (compress) call.CompressReplies();
    EchoReply reply;
    reply.set_payload(request.payload());
    return reply;
  };
  std::vector<bool> replies;
  server.Run([&] {
    for (const bool wanted : {true, false, true}) {
      compress = wanted;
      bool reply_was = !wanted;
      EXPECT_TRUE(server.client().Say(LongRequest(), {.reply_was_compressed = &reply_was}).ok());
      replies.push_back(reply_was);
    }
  });
  EXPECT_EQ(replies, (std::vector<bool>{true, false, true}));
}

TEST(Compression, SingleMessagesOfAStreamMayBeLeftAsTheyAre) {
  TestServer server;
  server.echo().download = [](CallContext& call, const DownloadRequest&,
                              ServerWriter<EchoReply>& replies) {
    call.CompressReplies();
    EchoReply reply;
    reply.set_payload(std::string(10'000, 'x'));
    for (const bool compress : {true, false, true}) {
      if (absl::Status s = replies.Write(reply, {.compress = compress}); !s.ok()) return s;
    }
    return absl::OkStatus();
  };
  std::vector<bool> seen;
  server.Run([&] {
    bool reply_was = false;
    auto replies = server.client().Download({}, {.reply_was_compressed = &reply_was});
    EchoReply reply;
    while (replies.Read(&reply)) seen.push_back(reply_was);
    EXPECT_TRUE(replies.Finish().ok());
  });
  EXPECT_EQ(seen, (std::vector<bool>{true, false, true}));
}

// The limit is for what the handler gets, not for what was on the wire.
TEST(Compression, LimitOfAMessageCountsItAsItIsUnpacked) {
  TestServer server({.max_receive_message_bytes = 5'000});
  server.Run([&] {
    const auto reply = server.client().Say(LongRequest(), {.compression = Compression::kGzip});
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kResourceExhausted);
  });
}

}  // namespace
}  // namespace weft::rpc
