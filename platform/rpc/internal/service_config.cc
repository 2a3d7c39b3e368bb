#include "platform/rpc/internal/service_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weft::rpc {
namespace {

absl::Status Refuse(const char* field, const char* rule) {
  return absl::InvalidArgumentError(absl::StrCat("load_balancing.", field, " must be ", rule));
}

// What gRPC's durations can hold, and a bound against slips.
bool IsTime(absl::Duration d) { return d >= absl::Milliseconds(1) && d <= absl::Hours(24); }

// Protobuf's JSON form of a duration.
std::string Seconds(absl::Duration d) {
  return absl::StrFormat("\"%.3fs\"", absl::ToDoubleSeconds(d));
}

}  // namespace

absl::Status Validate(const LoadBalancingOptions& options) {
  constexpr char kTimes[] = "from 1 ms to 24 h";
  if (!IsTime(options.dns_interval)) return Refuse("dns_interval", kTimes);
  if (!options.ejection.has_value()) return absl::OkStatus();
  const OutlierEjection& ejection = *options.ejection;
  if (!IsTime(ejection.interval)) return Refuse("ejection.interval", kTimes);
  if (!IsTime(ejection.base_ejection_time)) return Refuse("ejection.base_ejection_time", kTimes);
  if (!IsTime(ejection.max_ejection_time)) return Refuse("ejection.max_ejection_time", kTimes);
  if (ejection.max_ejection_time < ejection.base_ejection_time) {
    return Refuse("ejection.max_ejection_time", "base_ejection_time or more");
  }
  if (ejection.max_ejection_percent < 0 || ejection.max_ejection_percent > 100) {
    return Refuse("ejection.max_ejection_percent", "from 0 to 100");
  }
  if (ejection.failure_percentage < 0 || ejection.failure_percentage > 99) {
    return Refuse("ejection.failure_percentage", "from 0 to 99");
  }
  if (ejection.min_calls < 1) return Refuse("ejection.min_calls", "1 or more");
  return absl::OkStatus();
}

namespace internal {

std::string ServiceConfig(const LoadBalancingOptions& options) {
  if (options.policy == LoadBalancing::kPickFirst) {
    return R"({"loadBalancingConfig":[{"pick_first":{}}]})";
  }
  if (!options.ejection.has_value()) return R"({"loadBalancingConfig":[{"round_robin":{}}]})";
  const OutlierEjection& ejection = *options.ejection;
  return absl::StrFormat(
      R"({"loadBalancingConfig":[{"outlier_detection_experimental":{)"
      R"("interval":%s,"baseEjectionTime":%s,"maxEjectionTime":%s,"maxEjectionPercent":%d,)"
      // gRPC 1.51 takes 0 for the enforcement where none is given.
      R"("successRateEjection":{"stdevFactor":1900,"enforcementPercentage":100,)"
      R"("minimumHosts":5,"requestVolume":%d},)"
      R"("failurePercentageEjection":{"threshold":%d,"enforcementPercentage":100,)"
      R"("minimumHosts":2,"requestVolume":%d},)"
      R"("childPolicy":[{"round_robin":{}}]}}]})",
      Seconds(ejection.interval), Seconds(ejection.base_ejection_time),
      Seconds(ejection.max_ejection_time), ejection.max_ejection_percent, ejection.min_calls,
      ejection.failure_percentage, ejection.min_calls);
}

}  // namespace internal
}  // namespace weft::rpc
