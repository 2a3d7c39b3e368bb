// The life of a service's process from outside: started as a user would, called by gRPC's own
// client.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "platform/app/testing/child_process.h"
#include "platform/app/testing/http_client.h"
#include "proto/bench/v1/echo.grpc.pb.h"

namespace weft::app {
namespace {

using bench::v1::Echo;
using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckResponse;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

std::string Program() {
  return absl::StrCat(std::getenv("TEST_SRCDIR"), "/", std::getenv("TEST_WORKSPACE"),
                      "/platform/app/testing/echo_service");
}

// The echo service on free ports, and a client.
class Service {
 public:
  explicit Service(std::vector<std::string> flags = {}) : process_(Program(), WithPorts(flags)) {
    EXPECT_TRUE(process_.WaitForOutput("\n")) << process_.Errors();
    const std::vector<std::string> words = absl::StrSplit(process_.Output(), ' ');
    if (words.size() != 3 || words[0] != "LISTENING") {
      ADD_FAILURE() << process_.Output();
      return;
    }
    grpc_port_ = Number(words[1], "grpc=");
    admin_port_ = Number(words[2], "admin=");
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", grpc_port_),
                                   grpc::InsecureChannelCredentials());
    echo_ = Echo::NewStub(channel_);
    health_ = Health::NewStub(channel_);
  }

  ChildProcess& process() { return process_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  Health::Stub& health() { return *health_; }
  int grpc_port() const { return grpc_port_; }
  int admin_port() const { return admin_port_; }

  grpc::Status Say(const std::string& payload) {
    grpc::ClientContext context;
    bench::v1::EchoRequest request;
    bench::v1::EchoReply reply;
    request.set_payload(payload);
    return echo_->Say(&context, request, &reply);
  }
  // Calls in another thread, and returns once the server has the call.
  std::future<grpc::Status> SayInFlight(const std::string& payload) {
    return InFlight([this, payload] { return Say(payload); });
  }
  std::future<grpc::Status> SleepInFlight(int duration_ms) {
    return InFlight([this, duration_ms] {
      grpc::ClientContext context;
      bench::v1::SleepRequest request;
      bench::v1::SleepReply reply;
      request.set_duration_ms(static_cast<uint32_t>(duration_ms));
      return echo_->Sleep(&context, request, &reply);
    });
  }

  HealthCheckResponse::ServingStatus Check(const std::string& service) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status = health_->Check(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }
  HttpReply Get(const std::string& path) {
    absl::StatusOr<HttpReply> reply = HttpGet(admin_port_, path);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : HttpReply();
  }

  // SIGTERM, then the exit status.
  int Terminate() {
    process_.Signal(SIGTERM);
    return process_.Wait();
  }
  // The lines of its log that have this message.
  std::vector<nlohmann::json> LogLines(const std::string& message) {
    std::vector<nlohmann::json> found;
    for (absl::string_view line : absl::StrSplit(process_.Errors(), '\n', absl::SkipEmpty())) {
      nlohmann::json json = nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
      EXPECT_TRUE(json.is_object()) << "not a JSON line: " << line;
      if (json.is_object() && json["msg"] == message) found.push_back(std::move(json));
    }
    return found;
  }

 private:
  static std::vector<std::string> WithPorts(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"--grpc.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0",
                                 "--shards=2", "--drain.grace=0s", "--drain.timeout=1h"});
    return flags;
  }
  static int Number(absl::string_view word, absl::string_view prefix) {
    EXPECT_TRUE(absl::StartsWith(word, prefix)) << word;
    int number = 0;
    EXPECT_TRUE(absl::SimpleAtoi(word.substr(prefix.size()), &number)) << word;
    return number;
  }
  template <typename F>
  std::future<grpc::Status> InFlight(F call) {
    std::future<grpc::Status> status = std::async(std::launch::async, std::move(call));
    while (Get("/metrics").body.find("\nweft_calls_in_flight 1\n") == std::string::npos) {
    }
    return status;
  }

  ChildProcess process_;
  int grpc_port_ = 0;
  int admin_port_ = 0;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Echo::Stub> echo_;
  std::unique_ptr<Health::Stub> health_;
};

// Exit status and output of a service that must not come up.
struct Refusal {
  int exit_status;
  std::string output;
  std::string errors;
};

Refusal RunToEnd(const std::vector<std::string>& flags) {
  ChildProcess process(Program(), flags);
  const int exit_status = process.Wait();
  return {exit_status, process.Output(), process.Errors()};
}

// Starts and ends.

TEST(App, ServesAndEndsWithStatusZeroOnSigtermAndSigint) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Service service;
    EXPECT_TRUE(service.Say("hello").ok());
    service.process().Signal(signal);
    EXPECT_EQ(service.process().Wait(), 0) << service.process().Errors();
    EXPECT_THAT(service.process().Output(), MatchesRegex("LISTENING grpc=[0-9]+ admin=[0-9]+\n"));
    const std::vector<nlohmann::json> serving = service.LogLines("serving");
    ASSERT_EQ(serving.size(), 1u);
    EXPECT_EQ(serving[0]["grpc_port"], service.grpc_port());
    EXPECT_EQ(serving[0]["shards"], 2);
    EXPECT_EQ(service.LogLines("ended").size(), 1u);
  }
}

TEST(App, ShutdownMayBeRequestedByTheServiceItself) {
  Service service;
  EXPECT_TRUE(service.Say("request shutdown").ok());
  EXPECT_EQ(service.process().Wait(), 0);
}

TEST(App, ConfigurationFileIsUsed) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "echo.json";
  std::ofstream(file) << R"({"shards": 1, "log": {"level": "warning"}})";
  Service service({absl::StrCat("--config=", file.string()), "--shards=1"});
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_EQ(service.process().Errors(), "");
}

// The admin server, health, reflection.

TEST(App, AdminPagesAnswer) {
  Service service;
  EXPECT_TRUE(service.Say("hello").ok());
  EXPECT_EQ(service.Get("/livez").status, 200);
  EXPECT_EQ(service.Get("/readyz").status, 200);
  EXPECT_THAT(service.Get("/").body, AllOf(HasSubstr("echo 1.2.3"), HasSubstr("/debug/fibers")));
  for (const char* page : {"overview", "calls", "stalls", "shards", "heap", "config", "fibers"}) {
    for (const char* format : {"text", "json", "html"}) {
      const HttpReply reply = service.Get(absl::StrCat("/debug/", page, "?format=", format));
      EXPECT_EQ(reply.status, 200) << page << " as " << format;
    }
  }
  EXPECT_EQ(service.Get("/nope").status, 404);
  const HttpReply metrics = service.Get("/metrics");
  EXPECT_THAT(metrics.headers.at("content-type"), StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("weft_build_info{"));
  EXPECT_THAT(metrics.body,
              HasSubstr("grpc_server_call_started_total{grpc_method=\"bench.v1.Echo/Say\"} 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("weft_blocking_threads_max{pool=\"files\"} 3\n"));
  EXPECT_THAT(metrics.body, HasSubstr("weft_loop_iterations_total{shard=\"1\"}"));
  EXPECT_THAT(metrics.body, HasSubstr("weft_connections_open 1\n"));
}

TEST(App, AdminPagesWantTheTokenAndProbesDoNot) {
  const std::string file = absl::StrCat(testing::TempDir(), "/admin.token");
  std::ofstream(file) << "0123456789abcdef";
  Service service({"--admin.listen=0.0.0.0:0", absl::StrCat("--admin.token_file=", file)});
  EXPECT_EQ(service.Get("/debug/config").status, 401);
  for (const char* open : {"/livez", "/readyz", "/metrics"}) {
    EXPECT_EQ(service.Get(open).status, 200) << open;
  }
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_THAT(service.process().Errors(), Not(HasSubstr("set admin.token_file")));
}

TEST(App, AdminPagesForTheWholeNetworkAreWarnedOf) {
  Service service({"--admin.listen=0.0.0.0:0", "--admin.protect_metrics=true"});
  EXPECT_EQ(service.Get("/metrics").status, 200) << "there is no token to protect it";
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_THAT(service.process().Errors(), HasSubstr("set admin.token_file"));
}

TEST(App, FibersPageShowsACallInFlight) {
  Service service({"--drain.timeout=0s"});
  std::future<grpc::Status> call = service.SleepInFlight(3'600'000);
  EXPECT_THAT(service.Get("/debug/fibers").body,
              testing::ContainsRegex("parked .*bench.v1.Echo/Sleep *sleep *[0-9a-f]{32} *-\n"));
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_FALSE(call.get().ok());
}

TEST(App, FibersPageHasTheStackOfAHandler) {
  Service service({"--drain.timeout=0s"});
  std::future<grpc::Status> call = service.SleepInFlight(3'600'000);
  const std::string page = service.Get("/debug/fibers?view=stacks&name=Echo/Sleep").body;
  EXPECT_THAT(page, HasSubstr("1 fiber: "));
  EXPECT_THAT(page, HasSubstr("weft::SleepFor"));
  EXPECT_THAT(page, HasSubstr("::Sleep()"));
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_FALSE(call.get().ok());
}

TEST(App, ACallCanBeCancelledOnThePageOnlyWhereThatIsAllowed) {
  Service service({"--admin.allow_cancel=true"});
  std::future<grpc::Status> call = service.SleepInFlight(3'600'000);
  const std::string page = service.Get("/debug/fibers?format=html&name=Echo/Sleep").body;
  const std::string token_before = "name=\"token\" value=\"";
  const size_t token = page.find(token_before) + token_before.size();
  const std::string id_before = "name=\"id\" value=\"";
  const size_t id = page.find(id_before) + id_before.size();
  ASSERT_NE(page.find(id_before), std::string::npos) << page;
  const std::string body = absl::StrCat("token=", page.substr(token, 32),
                                        "&id=", page.substr(id, page.find('"', id) - id));
  LoopbackConnection connection(service.admin_port());
  connection.Send(absl::StrCat("POST /debug/fibers/cancel HTTP/1.1\r\nHost: a\r\nContent-Length: ",
                               body.size(), "\r\n\r\n", body));
  EXPECT_THAT(connection.ReadAll(), HasSubstr("is cancelled"));
  const grpc::Status status = call.get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(status.error_message(), HasSubstr("by hand"));
  EXPECT_EQ(service.Terminate(), 0);
}

TEST(App, SigquitWritesTheFibersToTheLogAndTheProcessLivesOn) {
  Service service({"--drain.timeout=0s"});
  std::future<grpc::Status> call = service.SleepInFlight(3'600'000);
  service.process().Signal(SIGQUIT);
  EXPECT_TRUE(service.process().WaitForErrors("\"msg\":\"fibers\""));
  EXPECT_EQ(service.LogLines("fiber dump").size(), 1u);
  EXPECT_TRUE(service.Say("still here").ok());
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_FALSE(call.get().ok());
}

TEST(App, HealthKnowsTheProcessAndItsServices) {
  Service service;
  for (const char* name : {"", "bench.v1.Echo", "grpc.health.v1.Health"}) {
    EXPECT_EQ(service.Check(name), HealthCheckResponse::SERVING) << name;
  }
}

TEST(App, ReflectionListsTheServices) {
  Service service;
  const auto stub = grpc::reflection::v1alpha::ServerReflection::NewStub(service.channel());
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1alpha::ServerReflectionRequest request;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request));
  grpc::reflection::v1alpha::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& listed : response.list_services_response().service()) {
    names.push_back(listed.name());
  }
  EXPECT_THAT(names, Contains("bench.v1.Echo"));
  EXPECT_THAT(names, Contains("grpc.health.v1.Health"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

// The drain.

TEST(App, DrainingProcessIsNotReadyButAcceptsCallsUntilTheGraceIsOver) {
  Service service({"--drain.grace=1h"});
  service.process().Signal(SIGTERM);
  while (service.Get("/readyz").status != 503) {
  }
  EXPECT_EQ(service.Get("/readyz").body, "not ready: draining\n");
  EXPECT_EQ(service.Get("/livez").status, 200);
  while (service.Check("") != HealthCheckResponse::NOT_SERVING) {
  }
  EXPECT_EQ(service.Check("bench.v1.Echo"), HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(service.Say("hello").ok());
  // A connection made now is served as well.
  const auto late = Echo::NewStub(grpc::CreateCustomChannel(
      absl::StrCat("127.0.0.1:", service.grpc_port()), grpc::InsecureChannelCredentials(), [] {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        return arguments;
      }()));
  grpc::ClientContext context;
  bench::v1::EchoReply reply;
  EXPECT_TRUE(late->Say(&context, bench::v1::EchoRequest(), &reply).ok());
  // The second signal does not wait for the hour.
  service.process().Signal(SIGINT);
  EXPECT_EQ(service.process().Wait(), 128 + SIGINT);
}

TEST(App, CallInFlightAtTheSignalIsFinished) {
  Service service;
  std::future<grpc::Status> call = service.SleepInFlight(300);
  EXPECT_EQ(service.Terminate(), 0);
  const grpc::Status status = call.get();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(App, CallThatTakesLongerThanTheTimeoutIsCancelledAndNamed) {
  Service service({"--drain.timeout=1ms"});
  std::future<grpc::Status> call = service.SleepInFlight(3'600'000);
  EXPECT_EQ(service.Terminate(), 0);
  EXPECT_FALSE(call.get().ok());
  const std::vector<nlohmann::json> cancelled =
      service.LogLines("cancelled calls that took longer than drain.timeout");
  ASSERT_EQ(cancelled.size(), 1u) << service.process().Errors();
  EXPECT_EQ(cancelled[0]["calls"], "1 of bench.v1.Echo/Sleep");
}

TEST(App, HandlerThatNeverReturnsIsNamedAndTheProcessEndsWithStatusOne) {
  Service service({"--drain.timeout=1ms"});
  std::future<grpc::Status> call = service.SayInFlight("never return");
  EXPECT_EQ(service.Terminate(), 1);
  EXPECT_FALSE(call.get().ok());
  const std::vector<nlohmann::json> errors = service.LogLines("exiting with calls that do not end");
  ASSERT_EQ(errors.size(), 1u) << service.process().Errors();
  EXPECT_THAT(std::string(errors[0]["error"]), HasSubstr("bench.v1.Echo/Say"));
}

TEST(App, HandlerThatBlocksItsThreadDoesNotKeepTheProcess) {
  Service service({"--drain.timeout=1ms"});
  std::future<grpc::Status> call = service.SayInFlight("block the thread");
  EXPECT_THAT(service.Get("/debug/fibers").body, HasSubstr("did not answer within 250ms"));
  EXPECT_EQ(service.Get("/livez").status, 200);
  EXPECT_EQ(service.Terminate(), 1);
  EXPECT_FALSE(call.get().ok());
}

TEST(App, OpenHealthWatchDoesNotHoldUpTheDrain) {
  Service service;
  grpc::ClientContext context;
  const auto watch = service.health().Watch(&context, grpc::health::v1::HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  EXPECT_EQ(service.Terminate(), 0);
  // What was sent meanwhile must be read, or Finish() waits for ever.
  while (watch->Read(&response)) EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Finish().ok());
}

TEST(App, CollectorThatIsAwayDoesNotKeepTheProcess) {
  // Port 1: nobody listens.
  Service service({"--tracing.otlp_endpoint=http://127.0.0.1:1", "--tracing.sample_ratio=1"});
  EXPECT_TRUE(service.Say("hello").ok());
  EXPECT_EQ(service.Terminate(), 0);
}

// What keeps a service from starting: one line, and a status.

TEST(App, WrongFlagsAreOneLineAndStatusTwo) {
  const struct {
    const char* flag;
    const char* text;
  } kCases[] = {
      {"--shardz=1", "echo: unknown flag --shardz; did you mean \"--shards\"?"},
      {"--shards=x", "echo: flag --shards must be a whole number from 0 to 1024, not \"x\""},
      {"--log.level=loud", "echo: flag --log.level must be one of debug, info, warning, error"},
      {"--drain.grace=5", "echo: flag --drain.grace must be a duration"},
      {"--tracing.sample_ratio=2",
       "echo: flag --tracing.sample_ratio must be a number from 0 to 1"},
      {"--config=/nowhere.json", "echo: cannot read the configuration file /nowhere.json"},
      {"--admin.listen=nowhere", "echo: admin.listen: \"nowhere\" is no address"},
      {"--fibers.call_stacks=unary=huge", "echo: fibers.call_stacks: 'unary=huge' is no kind of"},
      {"--fibers.call_stacks=a.B/C=small", "echo: fibers.call_stacks: a stack is asked for"},
      {"--grpc.listen=nowhere", "echo: grpc.listen: cannot listen on 'nowhere'"},
      {"--tracing.otlp_endpoint=nowhere", "echo: tracing.otlp_endpoint: "},
      {"--echo.set_up=argument", "echo: echo.set_up: is wrong"},
      {"serve", "echo: unexpected argument \"serve\""},
  };
  for (const auto& wrong : kCases) {
    const Refusal refusal =
        RunToEnd({"--admin.listen=127.0.0.1:0", "--grpc.listen=127.0.0.1:0", wrong.flag});
    EXPECT_EQ(refusal.exit_status, 2) << wrong.flag;
    EXPECT_EQ(refusal.output, "") << wrong.flag;
    EXPECT_THAT(refusal.errors, StartsWith(wrong.text));
    EXPECT_THAT(refusal.errors, MatchesRegex("[^\n]*\n"));
  }
}

TEST(App, WrongFileIsOneLineAndStatusTwo) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "bad.json";
  std::ofstream(file) << "{\n  \"grpc\": {\"port\": 1}\n}\n";
  Refusal refusal = RunToEnd({absl::StrCat("--config=", file.string())});
  EXPECT_EQ(refusal.exit_status, 2);
  EXPECT_THAT(refusal.errors, HasSubstr("bad.json: unknown key \"grpc.port\""));
  std::ofstream(file) << "{\n  \"grpc\" 1}\n";
  refusal = RunToEnd({absl::StrCat("--config=", file.string())});
  EXPECT_EQ(refusal.exit_status, 2);
  EXPECT_THAT(refusal.errors, HasSubstr("bad.json:2:10: malformed JSON: "));
}

TEST(App, TakenPortIsOneLineAndStatusOne) {
  Service first;
  for (const std::string& flag : {absl::StrCat("--grpc.listen=127.0.0.1:", first.grpc_port()),
                                  absl::StrCat("--admin.listen=127.0.0.1:", first.admin_port())}) {
    const Refusal refusal =
        RunToEnd({"--grpc.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0", flag});
    EXPECT_EQ(refusal.exit_status, 1) << flag;
    EXPECT_EQ(refusal.output, "");
    const size_t equals = flag.find('=');
    EXPECT_THAT(refusal.errors, StartsWith(absl::StrCat("echo: ", flag.substr(2, equals - 2))));
    EXPECT_THAT(refusal.errors, HasSubstr(flag.substr(equals + 1)));
    EXPECT_THAT(refusal.errors, MatchesRegex("[^\n]*\n"));
  }
}

TEST(App, FailedSetUpIsOneLineAndStatusOne) {
  const Refusal refusal =
      RunToEnd({"--grpc.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0", "--echo.set_up=other"});
  EXPECT_EQ(refusal.exit_status, 1);
  EXPECT_EQ(refusal.output, "");
  EXPECT_EQ(refusal.errors, "echo: the database is away\n");
}

TEST(App, SignalDuringTheSetUpEndsTheProcessAtOnce) {
  ChildProcess process(Program(), {"--grpc.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0",
                                   "--echo.set_up=hangs", "--log.level=debug"});
  ASSERT_TRUE(process.WaitForErrors("set-up begins"));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 128 + SIGTERM);
  EXPECT_EQ(process.Output(), "");
}

TEST(App, HelpAndVersionAreNoErrors) {
  const Refusal help = RunToEnd({"--help"});
  EXPECT_EQ(help.exit_status, 0);
  EXPECT_EQ(help.errors, "");
  EXPECT_THAT(help.output, AllOf(StartsWith("echo 1.2.3\n"), HasSubstr("--grpc.listen="),
                                 HasSubstr("--echo.set_up=\"\"")));
  const Refusal version = RunToEnd({"--version"});
  EXPECT_EQ(version.exit_status, 0);
  EXPECT_EQ(version.output, "echo 1.2.3\n");
}

}  // namespace
}  // namespace weft::app
