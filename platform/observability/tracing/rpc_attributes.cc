#include "platform/observability/tracing/rpc_attributes.h"

namespace weft::observability {

namespace trace = opentelemetry::trace;

void SetAddress(trace::Span& span, const char* host_key, const char* port_key,
                const Address& address) {
  if (!address.host.empty()) span.SetAttribute(host_key, ToOtel(address.host));
  if (address.port != 0) span.SetAttribute(port_key, address.port);
}

void SetStatus(trace::Span& span, const absl::Status& status, bool is_error) {
  span.SetAttribute("rpc.grpc.status_code", static_cast<int>(status.code()));
  if (!is_error) return;
  const absl::string_view message = status.message();
  span.SetStatus(trace::StatusCode::kError, {message.data(), message.size()});
}

bool IsServerFault(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace weft::observability
