#include "platform/rpc/server/call_stacks.h"

#include <gtest/gtest.h>

#include <string>

#include "platform/fiber/runtime.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::DownloadRequest;
using bench::v1::EchoReply;

constexpr MethodDescriptor kGet = {"/shop.v1.Shop/Get", MethodKind::kUnary};
constexpr MethodDescriptor kWatch = {"/shop.v1.Shop/Watch", MethodKind::kServerStreaming};

TEST(CallStacks, AreByKindUnlessTheMethodHasItsOwn) {
  const auto stacks = ParseCallStacks("unary=small, streaming=large,shop.v1.Shop/Watch=default");
  ASSERT_TRUE(stacks.ok()) << stacks.status();
  EXPECT_EQ(stacks->Of(kGet), StackSize::kSmall);
  EXPECT_EQ(stacks->Of(kWatch), StackSize::kDefault);
  EXPECT_EQ(stacks->Of({"/shop.v1.Shop/Put", MethodKind::kClientStreaming}), StackSize::kLarge);
  EXPECT_EQ(stacks->Of({"/shop.v1.Shop/Chat", MethodKind::kBidirectional}), StackSize::kLarge);
}

TEST(CallStacks, OfAnEmptyTextAreAllDefault) {
  const auto stacks = ParseCallStacks("");
  ASSERT_TRUE(stacks.ok()) << stacks.status();
  EXPECT_EQ(stacks->Of(kGet), StackSize::kDefault);
  EXPECT_EQ(stacks->Of(kWatch), StackSize::kDefault);
}

TEST(CallStacks, WhatDoesNotParseIsNamed) {
  for (const std::string text : {"unary", "unary=", "unary=huge", "=small", "nary=small",
                                 "unary=small=large", "shop.v1.Shop=small"}) {
    const absl::Status status = ParseCallStacks("streaming=small," + text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("'" + text + "'"), absl::string_view::npos) << status;
  }
  EXPECT_EQ(ParseCallStacks("unary=small,unary=large").status().message(),
            "'unary' is given two stacks");
}

TEST(CallStacks, AMethodThatIsNotServedIsRefused) {
  TestServer other;
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  const absl::Status status =
      Server::Start(runtime, queues,
                    {.stacks = {.methods = {{"bench.v1.Echo/Say", StackSize::kSmall},
                                            {"bench.v1.Echo/Sing", StackSize::kSmall}}}},
                    {&other.echo()})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("'bench.v1.Echo/Sing'"), absl::string_view::npos) << status;
}

size_t StacksInUse(TestServer& server, StackSize size) {
  return server.runtime().Stats()[0].stacks_by_size[static_cast<size_t>(size)].in_use;
}

[[gnu::noinline]] int UseStack(size_t bytes) {
  volatile char frame[4096];
  frame[0] = 1;
  return bytes <= sizeof(frame) ? frame[0] : UseStack(bytes - sizeof(frame)) + frame[0];
}

TEST(CallStacks, HandlersRunOnThem) {
  TestServer server({.stacks = {.unary = StackSize::kLarge,
                                .streaming = StackSize::kSmall,
                                .methods = {{"bench.v1.Echo/Chat", StackSize::kDefault}}}});
  server.echo().say = [&](CallContext&, const bench::v1::EchoRequest&) {
    EXPECT_EQ(StacksInUse(server, StackSize::kLarge), 1u);
    EXPECT_GT(UseStack(512 * 1024), 0);  // Twice what a default stack has.
    return EchoReply();
  };
  server.echo().download = [&](CallContext&, const DownloadRequest&, ServerWriter<EchoReply>&) {
    EXPECT_EQ(StacksInUse(server, StackSize::kSmall), 1u);
    return absl::OkStatus();
  };
  server.Run([&] {
    EXPECT_TRUE(server.client().Say({}).ok());
    EchoReply reply;
    auto download = server.client().Download({});
    EXPECT_FALSE(download.Read(&reply));
    EXPECT_TRUE(download.Finish().ok());
    const size_t before = StacksInUse(server, StackSize::kDefault);
    auto chat = server.client().Chat();
    EXPECT_TRUE(chat.Write({}));
    EXPECT_TRUE(chat.Read(&reply));
    EXPECT_GT(StacksInUse(server, StackSize::kDefault), before);
    chat.WritesDone();
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_TRUE(chat.Finish().ok());
  });
  EXPECT_EQ(StacksInUse(server, StackSize::kLarge), 1u);
  EXPECT_EQ(StacksInUse(server, StackSize::kSmall), 1u);
}

}  // namespace
}  // namespace weft::rpc
