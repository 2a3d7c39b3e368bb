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
