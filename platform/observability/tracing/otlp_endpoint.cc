#include "platform/observability/tracing/otlp_endpoint.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace weft::observability {
namespace {

constexpr absl::string_view kHttpExample =
    "OTLP/HTTP receiver, such as \"http://otel-collector:4318\"";
constexpr absl::string_view kGrpcExample =
    "OTLP/gRPC receiver, such as \"http://otel-collector:4317\"";

// Of a URL without query, fragment and user.
struct Url {
  bool https = false;
  absl::string_view authority;  // host and port
  bool has_port = false;
  absl::string_view path;  // with its slash; may be empty
};

// OK, or why it is none.
absl::Status Parse(absl::string_view text, Url& url) {
  const auto malformed = [](absl::string_view why) { return absl::InvalidArgumentError(why); };
  absl::string_view rest = text;
  url.https = absl::ConsumePrefix(&rest, "https://");
  if (!url.https && !absl::ConsumePrefix(&rest, "http://")) {
    return malformed("it does not begin with http:// or https://");
  }
  for (const char c : text) {
    if (!absl::ascii_isgraph(c)) return malformed("there is a blank in it");
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  url.authority = rest.substr(0, slash);
  url.path = rest.substr(slash);

  if (url.authority.find_first_of("?#@\\") != absl::string_view::npos) {
    return malformed("before the first slash there is more than a host and a port");
  }
  const bool is_ipv6 = absl::StartsWith(url.authority, "[");
  const size_t host_end = is_ipv6 ? url.authority.find(']') : url.authority.find(':');
  if (is_ipv6 && host_end == absl::string_view::npos) {
    return malformed("the bracket of its IPv6 address is not closed");
  }
  const size_t port_at = is_ipv6 ? host_end + 1 : host_end;
  if (url.authority.substr(0, host_end).size() <= (is_ipv6 ? 1u : 0u)) {
    return malformed("it names no host");
  }
  url.has_port = port_at < url.authority.size();
  if (!url.has_port) return absl::OkStatus();
  const absl::string_view digits = url.authority.substr(port_at + 1);
  int port;
  if (url.authority[port_at] != ':' ||
      !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(digits, &port) || port < 1 || port > 65535) {
    return malformed("its port is no number from 1 to 65535");
  }
  return absl::OkStatus();
}

absl::Status Malformed(absl::string_view endpoint, const absl::Status& why,
                       absl::string_view example) {
  return absl::InvalidArgumentError(absl::StrCat(
      "OTLP endpoint \"", absl::CHexEscape(endpoint), "\": ", std::string(why.message()),
      "; give the URL of a collector's ", example, ", or nothing to export no spans"));
}

}  // namespace

absl::StatusOr<OtlpProtocol> ParseOtlpProtocol(absl::string_view name) {
  if (name == "http/protobuf") return OtlpProtocol::kHttp;
  if (name == "grpc") return OtlpProtocol::kGrpc;
  return absl::InvalidArgumentError(absl::StrCat("\"", absl::CHexEscape(name),
                                                 "\" is no protocol of OTLP that is spoken here; "
                                                 "give \"http/protobuf\" or \"grpc\""));
}

absl::StatusOr<std::string> OtlpTracesUrl(absl::string_view endpoint) {
  Url url;
  if (absl::Status s = Parse(endpoint, url); !s.ok()) return Malformed(endpoint, s, kHttpExample);
  if (url.path.size() > 1) return std::string(endpoint);
  return absl::StrCat(absl::StripSuffix(endpoint, "/"), "/v1/traces");
}

absl::StatusOr<OtlpGrpcTarget> ParseOtlpGrpcTarget(absl::string_view endpoint) {
  Url url;
  absl::Status s = Parse(endpoint, url);
  if (s.ok() && url.path.size() > 1) {
    s = absl::InvalidArgumentError("there is a path in it, which gRPC has no use for");
  }
  if (!s.ok()) return Malformed(endpoint, s, kGrpcExample);
  return OtlpGrpcTarget{
      .target = absl::StrCat("dns:///", url.authority, url.has_port ? "" : ":4317"),
      .tls = url.https};
}

}  // namespace weft::observability
