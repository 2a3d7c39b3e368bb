#include "platform/observability/tracing/address.h"

#include <charconv>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace weft::observability {

Address ParseAddress(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "unix:")) {
    absl::ConsumePrefix(&text, "//");
    return {std::string(text), 0};
  }
  if (absl::ConsumePrefix(&text, "dns:") || absl::ConsumePrefix(&text, "ipv4:") ||
      absl::ConsumePrefix(&text, "ipv6:")) {
    if (absl::ConsumePrefix(&text, "//")) {  // an authority, mostly empty, comes before the name
      const size_t slash = text.find('/');
      text.remove_prefix(slash == absl::string_view::npos ? 0 : slash + 1);
    }
  }
  // gRPC percent-encodes the brackets of IPv6 peers.
  const std::string decoded = absl::StrReplaceAll(
      text.substr(0, text.find(',')), {{"%5B", "["}, {"%5b", "["}, {"%5D", "]"}, {"%5d", "]"}});
  absl::string_view host = decoded;
  int port = 0;
  const size_t colon = host.rfind(':');
  // More than one colon without brackets: an IPv6 address without a port.
  const bool has_port = colon != absl::string_view::npos &&
                        (host.front() == '[' ? host[colon - 1] == ']' : host.find(':') == colon);
  if (has_port) {
    const char* end = host.data() + host.size();
    const auto [parsed, error] = std::from_chars(host.data() + colon + 1, end, port);
    if (error != std::errc() || parsed != end || port < 1 || port > 65535) {
      return {decoded, 0};
    }
    host = host.substr(0, colon);
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {std::string(host), port};
}

}  // namespace weft::observability
