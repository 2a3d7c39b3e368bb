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

absl::Status Malformed(absl::string_view endpoint, absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat("OTLP endpoint \"", absl::CHexEscape(endpoint), "\": ", reason,
                   "; give the URL of a collector's OTLP/HTTP receiver, such as "
                   "\"http://otel-collector:4318\", or nothing to export no spans"));
}

}  // namespace

absl::StatusOr<std::string> OtlpTracesUrl(absl::string_view endpoint) {
  absl::string_view rest = endpoint;
  if (!absl::ConsumePrefix(&rest, "http://") && !absl::ConsumePrefix(&rest, "https://")) {
    return Malformed(endpoint, "it does not begin with http:// or https://");
  }
  for (const char c : endpoint) {
    if (!absl::ascii_isgraph(c)) return Malformed(endpoint, "there is a blank in it");
  }
  const size_t slash = rest.find('/');
  const absl::string_view authority = rest.substr(0, slash);
  const absl::string_view path =
      slash == absl::string_view::npos ? absl::string_view() : rest.substr(slash);

  if (authority.find_first_of("?#@\\") != absl::string_view::npos) {
    return Malformed(endpoint, "before the first slash there is more than a host and a port");
  }
  const bool is_ipv6 = absl::StartsWith(authority, "[");
  const size_t host_end = is_ipv6 ? authority.find(']') : authority.find(':');
  if (is_ipv6 && host_end == absl::string_view::npos) {
    return Malformed(endpoint, "the bracket of its IPv6 address is not closed");
  }
  const size_t port_at = is_ipv6 ? host_end + 1 : host_end;
  if (authority.substr(0, host_end).size() <= (is_ipv6 ? 1u : 0u)) {
    return Malformed(endpoint, "it names no host");
  }
  if (port_at < authority.size()) {
    const absl::string_view digits = authority.substr(port_at + 1);
    int port;
    if (authority[port_at] != ':' ||
        !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) ||
        !absl::SimpleAtoi(digits, &port) || port < 1 || port > 65535) {
      return Malformed(endpoint, "its port is no number from 1 to 65535");
    }
  }
  const absl::string_view base = absl::StripSuffix(endpoint, "/");
  return path.size() <= 1 ? absl::StrCat(base, "/v1/traces") : std::string(endpoint);
}

}  // namespace weft::observability
