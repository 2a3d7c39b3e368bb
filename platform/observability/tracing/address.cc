#include "platform/observability/tracing/address.h"

#include <charconv>

namespace weft::observability {
namespace {

bool Consume(absl::string_view& text, absl::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// gRPC percent-encodes the brackets of IPv6 peers.
std::string DecodeBrackets(absl::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (Consume(text, "%5B") || Consume(text, "%5b")) {
      decoded += '[';
    } else if (Consume(text, "%5D") || Consume(text, "%5d")) {
      decoded += ']';
    } else {
      decoded += text.front();
      text.remove_prefix(1);
    }
  }
  return decoded;
}

}  // namespace

Address ParseAddress(absl::string_view text) {
  if (Consume(text, "unix:")) {
    Consume(text, "//");
    return {std::string(text), 0};
  }
  if (Consume(text, "dns:") || Consume(text, "ipv4:") || Consume(text, "ipv6:")) {
    if (Consume(text, "//")) {  // an authority, mostly empty, comes before the name
      const size_t slash = text.find('/');
      text.remove_prefix(slash == absl::string_view::npos ? 0 : slash + 1);
    }
  }
  const std::string decoded = DecodeBrackets(text.substr(0, text.find(',')));
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
