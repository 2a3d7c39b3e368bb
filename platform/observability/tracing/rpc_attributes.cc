#include "platform/observability/tracing/rpc_attributes.h"

#include <chrono>

#include "platform/base/utf8.h"

namespace weft::observability {

namespace common = opentelemetry::common;
namespace trace = opentelemetry::trace;

namespace {

common::SystemTimestamp ToOtel(absl::Time time) {
  return common::SystemTimestamp(std::chrono::nanoseconds(absl::ToUnixNanos(time)));
}

}  // namespace

void SetAddress(trace::Span& span, const char* host_key, const char* port_key,
                const Address& address) {
  if (!address.host.empty()) span.SetAttribute(host_key, ToOtel(address.host));
  if (address.port != 0) span.SetAttribute(port_key, address.port);
}

void SetStatus(trace::Span& span, const absl::Status& status, bool is_error) {
  span.SetAttribute("rpc.grpc.status_code", static_cast<int>(status.code()));
  if (!is_error) return;
  // A string of protobuf that is no UTF-8 would have the collector refuse all that comes with it.
  span.SetStatus(trace::StatusCode::kError, ValidUtf8(status.message()));
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

void SetStart(absl::Time start, int64_t start_nanos, trace::StartSpanOptions& options) {
  options.start_system_time = ToOtel(start);
  options.start_steady_time = common::SteadyTimestamp(std::chrono::nanoseconds(start_nanos));
}

void AddEvent(trace::Span& span, const char* name, absl::Time when) {
  span.AddEvent(name, ToOtel(when));
}

void SetAttempt(trace::Span& span, int attempt, bool hedge) {
  if (attempt > 1) span.SetAttribute("previous-rpc-attempts", attempt - 1);
  if (hedge) span.SetAttribute("weft.hedge", true);
}

}  // namespace weft::observability
