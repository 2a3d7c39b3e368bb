// A CPU profile of a service's process, taken as pprof does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/app/testing/child_process.h"
#include "platform/app/testing/http_client.h"

namespace weft::app {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// The echo service on free ports.
class Service {
 public:
  Service()
      : process_(absl::StrCat(std::getenv("TEST_SRCDIR"), "/", std::getenv("TEST_WORKSPACE"),
                              "/platform/app/testing/echo_service"),
                 {"--grpc.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0", "--shards=2",
                  "--drain.grace=0s"}) {
    EXPECT_TRUE(process_.WaitForOutput("\n")) << process_.Errors();
    const std::vector<std::string> words = absl::StrSplit(process_.Output(), "admin=");
    EXPECT_TRUE(words.size() == 2 && absl::SimpleAtoi(words[1], &admin_port_)) << process_.Output();
  }

  HttpReply Get(const std::string& path, const std::string& method = "GET") {
    absl::StatusOr<HttpReply> reply = HttpRequest(admin_port_, method, path);
    return reply.ok() ? *std::move(reply) : HttpReply();
  }
  ChildProcess& process() { return process_; }

 private:
  ChildProcess process_;
  int admin_port_ = 0;
};

TEST(AppProfile, IsTakenUnderPprofsNameOfAProgramThatTellsItsPath) {
  Service service;
  const HttpReply profile = service.Get("/pprof/profile?seconds=1");
  EXPECT_EQ(profile.status, 200);
  EXPECT_EQ(profile.headers.at("content-type"), "application/octet-stream");
  EXPECT_THAT(profile.headers.at("content-disposition"), HasSubstr("filename=\"echo-"));
  EXPECT_THAT(profile.body, HasSubstr("testing/echo_service\n"));
  EXPECT_THAT(service.Get("/pprof/cmdline").body, EndsWith("testing/echo_service\n"));
  EXPECT_EQ(service.Get("/pprof/symbol").body, "num_symbols: 1\n");
  EXPECT_THAT(service.Get("/").body, HasSubstr("\n/debug/profile  "));
  EXPECT_EQ(service.Get("/debug/profile?seconds=0").status, 400);
}

TEST(AppProfile, LongOneEndsWithTheProcess) {
  Service service;
  std::atomic<bool> refused = false;
  std::thread client([&] {
    while (service.Get("/debug/profile?seconds=300").status == 409 && !refused.load()) {
    }
  });
  while (service.Get("/debug/profile?seconds=1").status != 409) {
  }
  refused.store(true);
  // Others are answered meanwhile.
  EXPECT_EQ(service.Get("/livez").body, "ok\n");
  service.process().Signal(SIGTERM);
  EXPECT_EQ(service.process().Wait(), 0) << service.process().Errors();
  EXPECT_THAT(service.process().Errors(), HasSubstr("\"stopped_early\":true"));
  client.join();
}

}  // namespace
}  // namespace weft::app
