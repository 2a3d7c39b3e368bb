#include "platform/rpc/server/connection_limits.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft::rpc {
namespace {

absl::Status NotPositive(absl::string_view field) {
  return absl::InvalidArgumentError(
      absl::StrCat("ConnectionLimits::", field, " must be greater than zero"));
}

}  // namespace

absl::Status Validate(const ConnectionLimits& limits) {
  for (const auto& [field, value] :
       {std::pair<absl::string_view, int>{"max_connections", limits.max_connections},
        {"max_calls_per_connection", limits.max_calls_per_connection},
        {"max_metadata_bytes", limits.max_metadata_bytes}}) {
    if (value <= 0) return NotPositive(field);
  }
  for (const auto& [field, value] :
       {std::pair<absl::string_view, absl::Duration>{"handshake_timeout", limits.handshake_timeout},
        {"max_age", limits.max_age},
        {"max_idle", limits.max_idle},
        {"keepalive_time", limits.keepalive_time},
        {"keepalive_timeout", limits.keepalive_timeout},
        {"min_ping_interval", limits.min_ping_interval}}) {
    if (value <= absl::ZeroDuration()) return NotPositive(field);
  }
  if (limits.max_age_grace < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("ConnectionLimits::max_age_grace must not be below zero");
  }
  return absl::OkStatus();
}

}  // namespace weft::rpc
