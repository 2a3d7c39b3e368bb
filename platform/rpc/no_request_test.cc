// Unary calls whose request does not come.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "platform/fiber/channel.h"
#include "platform/rpc/raw_http2_client.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

constexpr char kSay[] = "/bench.v1.Echo/Say";
constexpr int kReceiveBuffer = 64 * 1024;

// What calls ended with, as telemetry sees it.
class Statuses final : public ServerInterceptor {
 public:
  absl::Status Intercept(CallContext& call, Next next) override {
    absl::Status status = next();
    EXPECT_TRUE(ended.TrySend({status, call.scope().cause()}));
    return status;
  }
  weft::Channel<std::pair<absl::Status, CancelCause>> ended{10};
};

TEST(NoRequest, AClientThatTakesItsCallBackIsNoFaultOfTheServer) {
  Statuses statuses;
  TestServer server({.interceptors = {&statuses}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  client.ResetCall(client.StartCall(kSay));
  server.Run([&] {
    const auto ended = statuses.ended.Receive();
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->first.code(), absl::StatusCode::kCancelled) << ended->first;
    EXPECT_EQ(ended->second, CancelCause::kClientGone);
  });
}

TEST(NoRequest, AClientThatForgetsItIsTold) {
  Statuses statuses;
  TestServer server({.interceptors = {&statuses}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  client.EndCall(client.StartCall(kSay));
  client.ReadReplies(1);
  server.Run([&] {
    const auto ended = statuses.ended.Receive();
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->first.code(), absl::StatusCode::kInternal);
    EXPECT_EQ(ended->first.message(), "the client sent no request");
  });
}

}  // namespace
}  // namespace weft::rpc
