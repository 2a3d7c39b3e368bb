#include "platform/observability/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/fiber/blocking_calls.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/testing/fake_server.h"

namespace weft::observability {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};

// Serves and makes a call through all interceptors, as a server and a channel would.
void ServeAndCall(Telemetry& telemetry) {
  const auto servers = telemetry.server_interceptors();
  ASSERT_THAT(servers, SizeIs(4)) << "metrics, tracing, records, log";
  FakeCall call(kGet);
  const auto handler = [&] {
    rpc::Metadata metadata;
    const std::string target = "dns:///pricing:1";
    rpc::OutgoingCall outgoing{kGet, target, metadata, absl::InfiniteFuture()};
    std::vector<std::unique_ptr<rpc::ClientCallTracker>> trackers;
    for (rpc::ClientInterceptor* interceptor : telemetry.client_interceptors()) {
      trackers.push_back(interceptor->Start(outgoing));
    }
    EXPECT_THAT(metadata.entries(), SizeIs(1)) << "traceparent";
    const absl::Status ok;
    for (auto& tracker : trackers) {
      if (tracker != nullptr) tracker->End({ok});
    }
    call.scope().Cancel(CancelCause::kClientGone);
    return absl::OkStatus();
  };
  EXPECT_TRUE(
      servers[0]->Intercept(call, [&] { return servers[1]->Intercept(call, handler); }).ok());
}

TEST(Telemetry, RendersEveryMetricOfTheCatalogueAndNoOther) {
  auto telemetry = Telemetry::Start({.service_name = "shop", .service_version = "1.2.3"});
  ASSERT_TRUE(telemetry.ok()) << telemetry.status();
  Runtime runtime({.shards = 1, .observer = (*telemetry)->runtime_observer()});
  auto of_runtime = (*telemetry)->AttachRuntime(runtime);
  FakeServer server;
  auto of_server = (*telemetry)->AttachServer(server);
  rpc::Admission admission(1);
  auto of_admission = (*telemetry)->AttachAdmission(admission);
  const std::filesystem::path keys =
      std::filesystem::path(testing::TempDir()) / "keys_of_telemetry_test";
  std::filesystem::create_directories(keys);
  std::ofstream(keys / "one.hs256.secret") << std::string(32, 'k');
  auto authenticator =
      rpc::JwtAuthenticator::Create(1, {.key_folder = keys, .issuer = "login", .audience = "shop"});
  ASSERT_TRUE(authenticator.ok()) << authenticator.status();
  auto of_authenticator = (*telemetry)->AttachAuthenticator(authenticator->get());
  auto channel = rpc::Channel::Create("dns:///pricing:1");
  ASSERT_TRUE(channel.ok()) << channel.status();
  (*telemetry)->WatchChannel(*channel);
  rpc::ClientRateLimit rate_limit({});
  auto of_rate_limit = (*telemetry)->AttachClientRateLimit(rate_limit);
  BlockingPool pool({.name = "files", .threads = 1});
  auto of_pool = (*telemetry)->AttachBlockingPool(pool);
  runtime.Run([&] { ServeAndCall(**telemetry); });

  std::set<std::string> names;
  for (const prometheus::MetricFamily& family : (*telemetry)->registry().Collect()) {
    names.insert(family.name);
  }
  for (const Metric& metric : kCatalogue) {
    const bool of_what_looks = metric.name == "weft_blocking_calls_found_total";
    if (of_what_looks && !BlockingCallsAreWatched()) continue;  // no series at all, and not zero
    EXPECT_EQ(names.erase(std::string(metric.name)), 1u) << metric.name << " is not offered";
  }
  EXPECT_THAT(names, IsEmpty()) << "not in the catalogue";
  EXPECT_THAT((*telemetry)->RenderMetrics(),
              HasSubstr("weft_build_info{version=\"1.2.3\",service=\"shop\"} 1\n"));
}

TEST(Telemetry, WhatIsDetachedShowsNoMore) {
  auto telemetry = Telemetry::Start({});
  ASSERT_TRUE(telemetry.ok());
  {
    BlockingPool pool({.name = "files", .threads = 1});
    auto attachment = (*telemetry)->AttachBlockingPool(pool);
    EXPECT_THAT((*telemetry)->RenderMetrics(), HasSubstr("pool=\"files\""));
    BlockingPool other({.name = "other", .threads = 1});
    attachment = (*telemetry)->AttachBlockingPool(other);
    EXPECT_THAT((*telemetry)->RenderMetrics(), Not(HasSubstr("pool=\"files\"")));
    EXPECT_THAT((*telemetry)->RenderMetrics(), HasSubstr("pool=\"other\""));
    attachment = {};
  }
  EXPECT_THAT((*telemetry)->RenderMetrics(), Not(HasSubstr("pool=")));
}

TEST(Telemetry, AnAttachmentMayOutliveIt) {
  auto telemetry = Telemetry::Start({});
  ASSERT_TRUE(telemetry.ok());
  BlockingPool pool({.name = "files", .threads = 1});
  auto attachment = (*telemetry)->AttachBlockingPool(pool);
  telemetry->reset();
}

TEST(Telemetry, WithAllOffNothingStandsInTheWayOfCalls) {
  auto telemetry = Telemetry::Start(
      {.metrics = false, .log_failed_calls = false, .record_calls = false, .tracing = false});
  ASSERT_TRUE(telemetry.ok());
  EXPECT_THAT((*telemetry)->server_interceptors(), IsEmpty());
  EXPECT_THAT((*telemetry)->client_interceptors(), IsEmpty());
  EXPECT_EQ((*telemetry)->runtime_observer(), nullptr);
  EXPECT_EQ((*telemetry)->calls(), nullptr);
  EXPECT_THAT((*telemetry)->RenderMetrics(), HasSubstr("process_threads"));
}

TEST(Telemetry, AMalformedEndpointIsRefused) {
  const auto telemetry = Telemetry::Start({.otlp_endpoint = "collector"});
  EXPECT_EQ(telemetry.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::observability
