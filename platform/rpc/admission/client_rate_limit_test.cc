#include "platform/rpc/admission/client_rate_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoRequest;
using ::testing::HasSubstr;

class ClientRateLimitTest : public ::testing::Test {
 protected:
  // Serves with this limit and runs `function` as its client.
  void Run(ClientRateLimitOptions options, const std::function<void(Channel&)>& function) {
    limit_ = std::make_unique<ClientRateLimit>(std::move(options));
    ShardQueues queues(1);
    Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
    TestEcho echo;
    auto server = Server::Start(runtime, queues, {.interceptors = {limit_.get()}}, {&echo});
    ASSERT_TRUE(server.ok()) << server.status();
    runtime.Run([&] {
      channel_ = *Channel::Create(absl::StrCat("127.0.0.1:", (*server)->ports()[0]),
                                  {.retry = {.max_attempts = 1}, .own_connection = true});
      function(*channel_);
      channel_.reset();
    });
    EXPECT_TRUE((*server)->Shutdown({}).ok());
  }
  absl::Status Call(const CallOptions& options = {}) {
    bench::v1::EchoClient client(channel_);
    return client.Say(EchoRequest(), options).status();
  }

  std::unique_ptr<ClientRateLimit> limit_;
  std::shared_ptr<Channel> channel_;
};

// So rare that a test never sees the next token.
constexpr double kHardlyEver = 1e-6;

TEST_F(ClientRateLimitTest, CallsBeyondTheBurstAreRefusedAndToldWhenToComeAgain) {
  Run({.calls_per_second = kHardlyEver, .burst = 2}, [&](Channel&) {
    EXPECT_EQ(Call(), absl::OkStatus());
    EXPECT_EQ(Call(), absl::OkStatus());
    Metadata trailing;
    const absl::Status status = Call({.trailing_metadata = &trailing});
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("calls a second from one client"));
    ASSERT_EQ(trailing.entries().size(), 1u);
    EXPECT_EQ(trailing.entries()[0].first, kRetryPushbackKey);
    int64_t millis = 0;
    EXPECT_TRUE(absl::SimpleAtoi(trailing.entries()[0].second, &millis));
    EXPECT_GT(millis, 900'000'000);
    EXPECT_EQ(limit_->GetStats().refused_total, 1u);
    EXPECT_EQ(limit_->GetStats().clients, 1u);
  });
}

TEST_F(ClientRateLimitTest, ClientsAreWhoTheOptionSays) {
  const auto by_header = [](const CallContext& call) {
    return std::string(call.metadata().Find("customer").value_or(""));
  };
  Run({.calls_per_second = kHardlyEver, .burst = 1, .client = by_header}, [&](Channel&) {
    EXPECT_EQ(Call({.metadata = {{"customer", "a"}}}), absl::OkStatus());
    EXPECT_EQ(Call({.metadata = {{"customer", "b"}}}), absl::OkStatus());
    EXPECT_EQ(Call({.metadata = {{"customer", "a"}}}).code(), absl::StatusCode::kResourceExhausted);
  });
}

TEST_F(ClientRateLimitTest, TokensComeBackWithTime) {
  Run({.calls_per_second = 1000, .burst = 1}, [&](Channel&) {
    int served = 0;
    while (served < 20) served += Call().ok() ? 1 : 0;
  });
}

TEST(PeerHost, IsThePeerWithoutItsPort) {
  EXPECT_EQ(PeerHost("ipv4:10.1.2.3:41234"), "10.1.2.3");
  EXPECT_EQ(PeerHost("ipv6:%5B2001:db8::1%5D:41234"), "[2001:db8::1]");
  EXPECT_EQ(PeerHost("unix:/run/shop.sock"), "unix:/run/shop.sock");
  EXPECT_EQ(PeerHost(""), "");
}

}  // namespace
}  // namespace weft::rpc
