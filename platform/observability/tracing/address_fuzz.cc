// Addresses: of peers and targets, as gRPC writes them, and of collectors, as people do.
#include "platform/observability/tracing/address.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/observability/tracing/otlp_endpoint.h"

namespace weft::observability {
namespace {

void CheckAddress(absl::string_view text) {
  const Address address = ParseAddress(text);
  Check(address.port >= 0 && address.port <= 65535, "a port is one of TCP's");
  Check(address.host.size() <= text.size(), "a host is a part of the address");
  if (address.port == 0) return;
  Check(absl::StrContains(text, std::to_string(address.port)), "a port was written there");
  // Written anew with its port it is the same, but for hosts that mean something of themselves.
  constexpr absl::string_view kMeaning = "[],%/:";
  if (address.host.find_first_of(kMeaning.data()) != std::string::npos) return;
  const Address again = ParseAddress(absl::StrCat(address.host, ":", address.port));
  Check(again.host == address.host && again.port == address.port, "an address is read as written");
}

void CheckEndpoint(absl::string_view text) {
  const absl::StatusOr<std::string> url = OtlpTracesUrl(text);
  if (!url.ok()) {
    const absl::string_view message = url.status().message();
    Check(absl::IsInvalidArgument(url.status()), "a bad endpoint is INVALID_ARGUMENT");
    Check(absl::StartsWith(message, "OTLP endpoint \""), "the error says what it is about");
    Check(std::all_of(message.begin(), message.end(), absl::ascii_isprint),
          "the error is a line that can be printed");
    return;
  }
  Check(std::all_of(url->begin(), url->end(), absl::ascii_isgraph), "a URL has no blanks");
  Check(absl::StartsWith(*url, text.substr(0, text.size() - 1)),
        "a URL begins with what was given");
  const size_t host_at = url->find("://") + 3;
  const size_t path_at = url->find('/', host_at);
  Check(path_at != std::string::npos && path_at + 1 < url->size(), "a URL has a path");
  const absl::string_view authority = absl::string_view(*url).substr(host_at, path_at - host_at);
  Check(!authority.empty() && authority.find_first_of("?#@\\") == absl::string_view::npos,
        "between scheme and path there is a host and perhaps a port");
  const absl::StatusOr<std::string> again = OtlpTracesUrl(*url);
  Check(again.ok() && *again == *url, "a URL with a path is taken as it is");
}

}  // namespace
}  // namespace weft::observability

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  weft::observability::CheckAddress(input);
  weft::observability::CheckEndpoint(input);
  return 0;
}
