// Over the wire, asked by gRPC's own synchronous C++ client.
#include "platform/rpc/health/health_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"

namespace weft::rpc {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

constexpr auto kServing = HealthCheckResponse::SERVING;
constexpr auto kNotServing = HealthCheckResponse::NOT_SERVING;
constexpr auto kServiceUnknown = HealthCheckResponse::SERVICE_UNKNOWN;
constexpr int kShards = 2;

HealthCheckRequest RequestFor(const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  return request;
}

// A Watch call of the synchronous client.
class Watching {
 public:
  Watching(Health::Stub& stub, const std::string& service)
      : reader_(stub.Watch(&context_, RequestFor(service))) {}
  ~Watching() { Cancel(); }

  // Blocks. -1 when the call has ended.
  int Next() {
    HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : -1;
  }
  grpc::StatusCode Finish() {
    finished_ = true;
    return reader_->Finish().error_code();
  }
  void Cancel() {
    if (finished_) return;
    context_.TryCancel();
    Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
  bool finished_ = false;
};

class HealthServiceTest : public ::testing::Test {
 protected:
  HealthServiceTest()
      : queues_(kShards),
        runtime_({.shards = kShards, .poller_factory = queues_.Pollers()}),
        server_(*Server::Start(runtime_, queues_, {}, {&health_})) {
    stub_ = NewStub();
  }
  ~HealthServiceTest() override {
    EXPECT_EQ(server_->Shutdown({.grace = absl::ZeroDuration()}), absl::OkStatus());
    EXPECT_EQ(health_.watchers(), 0u);
  }

  // Each on its own connection, so that several reach several shards.
  std::unique_ptr<Health::Stub> NewStub() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return Health::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->ports()[0]),
                                  grpc::InsecureChannelCredentials(), arguments));
  }

  grpc::Status Check(const std::string& service, HealthCheckResponse* response) {
    grpc::ClientContext context;
    return stub_->Check(&context, RequestFor(service), response);
  }
  // The status answered, or minus the error's code.
  int Check(const std::string& service) {
    HealthCheckResponse response;
    const grpc::Status status = Check(service, &response);
    return status.ok() ? response.status() : -status.error_code();
  }

  ShardQueues queues_;
  Runtime runtime_;
  HealthService health_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Health::Stub> stub_;
};

TEST_F(HealthServiceTest, ProcessIsNotServingUntilItSaysSo) {
  EXPECT_EQ(Check(""), kNotServing);
  health_.SetServing("", true);
  EXPECT_EQ(Check(""), kServing);
  health_.SetServing("", false);
  EXPECT_EQ(Check(""), kNotServing);
}

TEST_F(HealthServiceTest, CheckOfAnUnknownServiceIsNotFoundAndNamesIt) {
  health_.SetServing("", true);
  HealthCheckResponse response;
  const grpc::Status status = Check("catalog.v1.Catalog", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(status.error_message().find("catalog.v1.Catalog"), std::string::npos);
  health_.SetServing("catalog.v1.Catalog", true);
  EXPECT_EQ(Check("catalog.v1.Catalog"), kServing);
}

TEST_F(HealthServiceTest, WatchingAnUnknownServiceDoesNotMakeItKnown) {
  Watching watching(*stub_, "later");
  ASSERT_EQ(watching.Next(), kServiceUnknown);
  EXPECT_EQ(Check("later"), -grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthServiceTest, WatchSendsTheStatusThenEachChangeOnce) {
  health_.SetServing("s", true);
  Watching watching(*stub_, "s");
  EXPECT_EQ(watching.Next(), kServing);
  health_.SetServing("s", true);      // no change
  health_.SetServing("other", true);  // not watched
  health_.SetServing("s", false);
  EXPECT_EQ(watching.Next(), kNotServing);
  health_.SetServing("s", true);
  EXPECT_EQ(watching.Next(), kServing);
}

TEST_F(HealthServiceTest, WatchOfAnUnknownServiceSeesItBecomeKnown) {
  Watching watching(*stub_, "later");
  EXPECT_EQ(watching.Next(), kServiceUnknown);
  health_.SetServing("later", true);
  EXPECT_EQ(watching.Next(), kServing);
}

TEST_F(HealthServiceTest, WatchForATooLongNameIsRefused) {
  Watching watching(*stub_, std::string(HealthService::kWatchedNameBytesMax + 1, 'x'));
  EXPECT_EQ(watching.Next(), -1);
  EXPECT_EQ(watching.Finish(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(HealthServiceTest, WatchersOnAllShardsAreToldOfAChangeFromAPlainThread) {
  std::vector<std::unique_ptr<Health::Stub>> stubs;
  std::vector<std::unique_ptr<Watching>> watchings;
  for (int i = 0; i < 8; ++i) {
    stubs.push_back(NewStub());
    for (int j = 0; j < 4; ++j) watchings.push_back(std::make_unique<Watching>(*stubs[i], ""));
  }
  for (const auto& watching : watchings) EXPECT_EQ(watching->Next(), kNotServing);
  EXPECT_EQ(health_.watchers(), watchings.size());
  health_.SetServing("", true);
  for (const auto& watching : watchings) EXPECT_EQ(watching->Next(), kServing);
}

TEST_F(HealthServiceTest, ClientThatLeavesIsForgotten) {
  Watching watching(*stub_, "");
  ASSERT_EQ(watching.Next(), kNotServing);
  EXPECT_EQ(health_.watchers(), 1u);
  watching.Cancel();
  // The test's own limit on time is what fails here.
  runtime_.Run([&] {
    while (health_.watchers() > 0) weft::Yield();
  });
}

TEST_F(HealthServiceTest, ShutdownIsToldToWatchersAndIsForEver) {
  health_.SetServing("", true);
  health_.SetServing("s", true);
  Watching watching(*stub_, "s");
  ASSERT_EQ(watching.Next(), kServing);
  health_.Shutdown();
  EXPECT_EQ(watching.Next(), kNotServing);
  health_.SetServing("s", true);
  EXPECT_EQ(Check(""), kNotServing);
  EXPECT_EQ(Check("s"), kNotServing);

  Watching late(*stub_, "s");
  EXPECT_EQ(late.Next(), kNotServing);
  Watching unknown(*stub_, "unknown");
  EXPECT_EQ(unknown.Next(), kServiceUnknown);
}

TEST_F(HealthServiceTest, EndedWatchesLetTheServerShutDownWithoutWaitingForItsGrace) {
  Watching watching(*stub_, "");
  ASSERT_EQ(watching.Next(), kNotServing);
  health_.Shutdown();
  health_.EndWatches();
  EXPECT_EQ(watching.Next(), -1);
  EXPECT_EQ(watching.Finish(), grpc::StatusCode::UNAVAILABLE);
  // A late one gets no answer before the end: gRPC's clients back off only then.
  Watching late(*stub_, "");
  EXPECT_EQ(late.Next(), -1);
  EXPECT_EQ(late.Finish(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server_->Shutdown({.grace = absl::Hours(1)}), absl::OkStatus());
}

TEST_F(HealthServiceTest, ServerThatShutsDownEndsTheWatchesLeftOpen) {
  Watching watching(*stub_, "");
  ASSERT_EQ(watching.Next(), kNotServing);
  EXPECT_EQ(server_->Shutdown({.grace = absl::ZeroDuration()}), absl::OkStatus());
  EXPECT_EQ(health_.watchers(), 0u);
  EXPECT_EQ(watching.Next(), -1);
  EXPECT_NE(watching.Finish(), grpc::StatusCode::OK);
}

TEST_F(HealthServiceTest, ChangesWhileWatchersComeAndGoArriveInOrder) {
  std::thread changes([&] {
    for (int i = 0; i < 2000; ++i) health_.SetServing("", i % 2 == 0);
    health_.EndWatches();
  });
  for (bool ended = false; !ended;) {
    Watching watching(*stub_, "");
    int previous = -2;
    for (int i = 0; i < 10 && !ended; ++i) {
      const int next = watching.Next();
      ended = next == -1;
      EXPECT_NE(next, previous);
      previous = next;
    }
    if (ended) {
      EXPECT_EQ(watching.Finish(), grpc::StatusCode::UNAVAILABLE);
    }
  }
  changes.join();
}

}  // namespace
}  // namespace weft::rpc
