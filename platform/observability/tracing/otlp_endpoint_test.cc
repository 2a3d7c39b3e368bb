#include "platform/observability/tracing/otlp_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/observability/tracing/tracing.h"

namespace weft::observability {
namespace {

using ::testing::HasSubstr;

TEST(OtlpEndpoint, ABaseUrlGetsThePathOfTraces) {
  EXPECT_EQ(*OtlpTracesUrl("http://collector:4318"), "http://collector:4318/v1/traces");
  EXPECT_EQ(*OtlpTracesUrl("http://collector:4318/"), "http://collector:4318/v1/traces");
  EXPECT_EQ(*OtlpTracesUrl("https://collector"), "https://collector/v1/traces");
  EXPECT_EQ(*OtlpTracesUrl("http://[::1]:4318"), "http://[::1]:4318/v1/traces");
}

TEST(OtlpEndpoint, AUrlWithAPathIsTakenAsItIs) {
  EXPECT_EQ(*OtlpTracesUrl("http://collector:4318/otlp/v1/traces"),
            "http://collector:4318/otlp/v1/traces");
}

TEST(OtlpEndpoint, AMalformedOneIsRefusedWithARightOne) {
  for (const char* endpoint :
       {"collector:4318", "grpc://collector:4317", "http://", "http://:4318", "http://collector:",
        "http://collector:x", "http://collector:0", "http://collector:70000", "http://[::1",
        "http://[]:4318", "http://coll ector:4318", "http:///v1/traces", "http://[::1]x",
        "http://collector:+4318", "http://collector?a=b", "http://u@collector:1"}) {
    const absl::StatusOr<std::string> url = OtlpTracesUrl(endpoint);
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << endpoint;
    EXPECT_THAT(std::string(url.status().message()), HasSubstr("http://otel-collector:4318"))
        << endpoint;
    EXPECT_THAT(std::string(url.status().message()), HasSubstr(endpoint));
  }
}

TEST(OtlpEndpoint, OfGrpcATargetIsMade) {
  const auto plain = ParseOtlpGrpcTarget("http://collector:14317");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->target, "dns:///collector:14317");
  EXPECT_FALSE(plain->tls);
  const auto secure = ParseOtlpGrpcTarget("https://collector/");
  ASSERT_TRUE(secure.ok()) << secure.status();
  EXPECT_EQ(secure->target, "dns:///collector:4317");
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(ParseOtlpGrpcTarget("http://[::1]")->target, "dns:///[::1]:4317");
}

TEST(OtlpEndpoint, OfGrpcAMalformedOneIsRefusedWithARightOne) {
  for (const char* endpoint : {"collector:4317", "http://collector:4317/v1/traces", "http://"}) {
    const auto target = ParseOtlpGrpcTarget(endpoint);
    EXPECT_EQ(target.status().code(), absl::StatusCode::kInvalidArgument) << endpoint;
    EXPECT_THAT(std::string(target.status().message()), HasSubstr("http://otel-collector:4317"));
  }
}

TEST(OtlpProtocol, HasOpenTelemetrysNames) {
  EXPECT_EQ(*ParseOtlpProtocol("grpc"), OtlpProtocol::kGrpc);
  EXPECT_EQ(*ParseOtlpProtocol("http/protobuf"), OtlpProtocol::kHttp);
  EXPECT_THAT(std::string(ParseOtlpProtocol("http/json").status().message()),
              HasSubstr("\"http/json\" is no protocol of OTLP that is spoken here; give "
                        "\"http/protobuf\" or \"grpc\""));
}

TEST(OtlpEndpoint, TheErrorIsOneLine) {
  EXPECT_THAT(std::string(OtlpTracesUrl("http://collector\n:4318").status().message()),
              HasSubstr("\"http://collector\\n:4318\": there is a blank in it"));
}

TEST(Tracing, BadOptionsAreRefused) {
  EXPECT_EQ(Tracing::Start({.otlp_endpoint = "collector"}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Tracing::Start({.sample_ratio = 1.5}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Tracing::Start({.otlp_endpoint = "http://c:1", .sample_ratio = -0.1}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::observability
