// A service's process with keys for tokens, called by gRPC's own client.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "platform/app/testing/child_process.h"
#include "platform/base/clock.h"
#include "platform/rpc/auth/token_issuer.h"
#include "proto/bench/v1/echo.grpc.pb.h"

namespace weft::app {
namespace {

using bench::v1::Echo;
using grpc::health::v1::Health;
using testing::HasSubstr;

std::vector<std::string> Flags(const std::string& key_folder) {
  return {"--grpc.listen=127.0.0.1:0",
          "--admin.listen=127.0.0.1:0",
          "--shards=1",
          "--drain.grace=0s",
          absl::StrCat("--auth.jwt.key_folder=", key_folder),
          "--auth.jwt.issuer=login",
          "--auth.jwt.audience=echo"};
}

std::string Program() {
  return absl::StrCat(std::getenv("TEST_SRCDIR"), "/", std::getenv("TEST_WORKSPACE"),
                      "/platform/app/testing/echo_service");
}

grpc::Status Say(Echo::Stub& echo, const std::string& token) {
  grpc::ClientContext context;
  if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
  bench::v1::EchoReply reply;
  return echo.Say(&context, bench::v1::EchoRequest(), &reply);
}

TEST(AppWithKeys, ServesWhoBringsATokenAndHealthToAnybody) {
  const std::string folder = rpc::MakeTestFolder("app_auth_test");
  const rpc::SigningKey key = rpc::SigningKey::Rsa();
  key.Publish(folder, "current");
  ChildProcess process(Program(), Flags(folder));
  ASSERT_TRUE(process.WaitForOutput("\n")) << process.Errors();
  int port = 0;
  const std::vector<std::string> words = absl::StrSplit(process.Output(), absl::ByAnyChar(" ="));
  ASSERT_TRUE(words.size() > 2 && absl::SimpleAtoi(words[2], &port)) << process.Output();
  const auto channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  const auto echo = Echo::NewStub(channel);

  EXPECT_EQ(Say(*echo, "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  const std::string token =
      rpc::IssueToken(key, "current",
                      absl::StrCat(R"({"iss":"login","aud":"echo","exp":)",
                                   absl::ToUnixSeconds(Clock::Real().Now()) + 3600, "}"),
                      "RS256");
  EXPECT_TRUE(Say(*echo, token).ok());
  const grpc::Status forged =
      Say(*echo, rpc::IssueToken(rpc::SigningKey::Rsa(), "current", R"({"iss":"login"})", "RS256"));
  EXPECT_EQ(forged.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(forged.error_message(), "the bearer token was refused: get a new one");

  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse health;
  EXPECT_TRUE(Health::NewStub(channel)
                  ->Check(&context, grpc::health::v1::HealthCheckRequest(), &health)
                  .ok());
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.Errors();
}

TEST(AppWithKeys, FolderWithoutKeysIsOneLineAndStatusOne) {
  ChildProcess process(Program(), Flags(rpc::MakeTestFolder("app_auth_test_empty")));
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Errors(), HasSubstr("auth.jwt: the key folder '"));
}

TEST(AppWithKeys, FolderWithoutIssuerIsOneLineAndStatusTwo) {
  ChildProcess process(Program(), {"--grpc.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0",
                                   "--auth.jwt.key_folder=/keys"});
  EXPECT_EQ(process.Wait(), 2);
  EXPECT_THAT(process.Errors(), HasSubstr("auth.jwt.issuer is empty"));
}

}  // namespace
}  // namespace weft::app
