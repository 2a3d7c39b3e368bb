// What server and client spans have in common.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_RPC_ATTRIBUTES_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_RPC_ATTRIBUTES_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "opentelemetry/nostd/string_view.h"
#include "opentelemetry/trace/span.h"
#include "opentelemetry/trace/span_startoptions.h"
#include "platform/observability/tracing/address.h"

namespace weft::observability {

inline opentelemetry::nostd::string_view ToOtel(absl::string_view text) {
  return {text.data(), text.size()};
}

// "pkg.Service/Method" (also with a slash in front) as service and method.
inline std::pair<absl::string_view, absl::string_view> SplitMethod(absl::string_view name) {
  if (!name.empty() && name.front() == '/') name.remove_prefix(1);
  const size_t slash = name.find('/');
  if (slash == absl::string_view::npos) return {{}, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

// Two attributes; none for an empty host or a port of 0.
void SetAddress(opentelemetry::trace::Span& span, const char* host_key, const char* port_key,
                const Address& address);

// Codes that tell of a fault of the server; the others of the request (semantic conventions for
// gRPC, "gRPC Status").
bool IsServerFault(absl::StatusCode code);

// rpc.grpc.status_code, and the span's status if `is_error`.
void SetStatus(opentelemetry::trace::Span& span, const absl::Status& status, bool is_error);

// A span that began at `start`, which was `start_nanos` by the monotonic clock.
void SetStart(absl::Time start, int64_t start_nanos,
              opentelemetry::trace::StartSpanOptions& options);

// An event of a served call: until then it waited for its fiber's turn, and for what interceptors
// had it wait for.
inline constexpr char kHandlerStarts[] = "handler starts";

void AddEvent(opentelemetry::trace::Span& span, const char* name, absl::Time when);

// previous-rpc-attempts, and whether the attempt is made beside the first one (rpc/client/retry.h).
void SetAttempt(opentelemetry::trace::Span& span, int attempt, bool hedge);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_RPC_ATTRIBUTES_H_
