// Where spans are sent, as configured by people.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_ENDPOINT_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_ENDPOINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weft::observability {

enum class OtlpProtocol { kHttp, kGrpc };

// From OpenTelemetry's names for them: "http/protobuf" and "grpc". INVALID_ARGUMENT, naming both,
// for another one.
absl::StatusOr<OtlpProtocol> ParseOtlpProtocol(absl::string_view name);

// The URL of OTLP over HTTP for traces that `endpoint` means: "http://collector:4318" stands for
// "http://collector:4318/v1/traces" (OpenTelemetry's rule for base endpoints); one with a path is
// taken as it is. INVALID_ARGUMENT, showing a right one, for anything that is no http(s) URL.
absl::StatusOr<std::string> OtlpTracesUrl(absl::string_view endpoint);

// What a channel for OTLP over gRPC is made of.
struct OtlpGrpcTarget {
  std::string target;  // "dns:///collector:4317"
  bool tls = false;
};

// From the URL that OpenTelemetry has for it: "http://collector:4317", or "https://…" for TLS;
// without a port, OTLP's own, 4317. INVALID_ARGUMENT, showing a right one, for anything else.
absl::StatusOr<OtlpGrpcTarget> ParseOtlpGrpcTarget(absl::string_view endpoint);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_OTLP_ENDPOINT_H_
