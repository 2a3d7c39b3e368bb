#include "platform/rpc/tls.h"

#include "absl/strings/str_cat.h"
#include "platform/rpc/internal/certificate_files.h"

namespace weft::rpc {
namespace {

absl::Status CheckInterval(absl::Duration interval) {
  if (interval >= absl::Seconds(1) && interval <= absl::Hours(24)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "reload_interval is ", absl::FormatDuration(interval), ": it must be from 1 s to 24 h"));
}

}  // namespace

absl::Status Validate(const TlsServerOptions& options) {
  if (options.certificate_file.empty() || options.private_key_file.empty()) {
    return absl::InvalidArgumentError(
        "TLS on a server needs both certificate_file and private_key_file");
  }
  if (absl::Status s = CheckInterval(options.reload_interval); !s.ok()) return s;
  if (absl::Status s = internal::CheckIdentity(options.certificate_file, options.private_key_file,
                                               "certificate_file", "private_key_file");
      !s.ok()) {
    return s;
  }
  if (options.client_ca_file.empty()) return absl::OkStatus();
  return internal::CheckAuthorities(options.client_ca_file, "client_ca_file");
}

absl::Status Validate(const TlsChannelOptions& options) {
  if (options.certificate_file.empty() != options.private_key_file.empty()) {
    return absl::InvalidArgumentError(
        "a TLS channel needs both certificate_file and private_key_file, or neither");
  }
  if (absl::Status s = CheckInterval(options.reload_interval); !s.ok()) return s;
  if (!options.ca_file.empty()) {
    if (absl::Status s = internal::CheckAuthorities(options.ca_file, "ca_file"); !s.ok()) return s;
  }
  if (options.certificate_file.empty()) return absl::OkStatus();
  return internal::CheckIdentity(options.certificate_file, options.private_key_file,
                                 "certificate_file", "private_key_file");
}

}  // namespace weft::rpc
