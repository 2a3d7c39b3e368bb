#include "platform/rpc/internal/service_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace weft::rpc {
namespace {

using nlohmann::json;

json Parsed(const LoadBalancingOptions& options) {
  return json::parse(internal::ServiceConfig(options));
}

TEST(ServiceConfig, EjectsRoundRobinServersByDefault) {
  EXPECT_EQ(Parsed({}), json::parse(R"({"loadBalancingConfig": [{
      "outlier_detection_experimental": {
        "interval": "10.000s", "baseEjectionTime": "30.000s", "maxEjectionTime": "300.000s",
        "maxEjectionPercent": 50,
        "successRateEjection": {"stdevFactor": 1900, "enforcementPercentage": 100,
                                "minimumHosts": 5, "requestVolume": 20},
        "failurePercentageEjection": {"threshold": 85, "enforcementPercentage": 100,
                                      "minimumHosts": 2, "requestVolume": 20},
        "childPolicy": [{"round_robin": {}}]}}]})"));
}

TEST(ServiceConfig, HasThePolicyAlone) {
  EXPECT_EQ(Parsed({.ejection = std::nullopt}),
            json::parse(R"({"loadBalancingConfig": [{"round_robin": {}}]})"));
  EXPECT_EQ(Parsed({.policy = LoadBalancing::kPickFirst}),
            json::parse(R"({"loadBalancingConfig": [{"pick_first": {}}]})"));
}

TEST(ServiceConfig, DurationsHaveMilliseconds) {
  const json config = Parsed({.ejection = OutlierEjection{.interval = absl::Milliseconds(1500)}});
  EXPECT_EQ(config["loadBalancingConfig"][0]["outlier_detection_experimental"]["interval"],
            "1.500s");
}

TEST(LoadBalancingOptions, DefaultsAreValid) {
  EXPECT_TRUE(Validate(LoadBalancingOptions{}).ok());
  EXPECT_TRUE(Validate({.ejection = std::nullopt}).ok());
}

TEST(LoadBalancingOptions, BadOnesAreNamed) {
  const auto field = [](OutlierEjection ejection) {
    const absl::Status status = Validate({.ejection = ejection});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    const std::string message(status.message());
    return message.substr(0, message.find(' '));
  };
  EXPECT_EQ(field({.interval = absl::ZeroDuration()}), "load_balancing.ejection.interval");
  EXPECT_EQ(field({.base_ejection_time = absl::Hours(25)}),
            "load_balancing.ejection.base_ejection_time");
  EXPECT_EQ(field({.max_ejection_time = absl::Seconds(1)}),
            "load_balancing.ejection.max_ejection_time");
  EXPECT_EQ(field({.max_ejection_percent = 101}), "load_balancing.ejection.max_ejection_percent");
  EXPECT_EQ(field({.failure_percentage = 100}), "load_balancing.ejection.failure_percentage");
  EXPECT_EQ(field({.min_calls = 0}), "load_balancing.ejection.min_calls");
  EXPECT_EQ(Validate({.dns_interval = absl::InfiniteDuration()}).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::rpc
