// TLS and mutual TLS for servers and channels. Certificates are PEM files, read again while the
// process runs, so that a renewed certificate is used without a restart: by new connections; those
// that are open go on. Replace files by rename, as Kubernetes does for secrets: a key that is read
// half-written keeps connections out until the next look.
#ifndef WEFT_PLATFORM_RPC_TLS_H_
#define WEFT_PLATFORM_RPC_TLS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft::rpc {

struct TlsServerOptions {
  std::string certificate_file;  // the server's, then those between it and the authority
  std::string private_key_file;
  // Not empty: mutual TLS. A client must present a certificate that one of these authorities
  // signed, or its connection is refused. See CallContext::peer_identities().
  std::string client_ca_file = {};
  // How often the files are looked at: whole seconds, at least one.
  absl::Duration reload_interval = absl::Seconds(10);
};

struct TlsChannelOptions {
  // The authorities that may sign the server's certificate. Empty: those of the system.
  std::string ca_file = {};
  // Both or none: who this client is, for servers with mutual TLS.
  std::string certificate_file = {};
  std::string private_key_file = {};
  // The name that the server's certificate must have, where it is not the target's.
  std::string server_name = {};
  absl::Duration reload_interval = absl::Seconds(10);
};

// What Server::Start and Channel::Create check. OK, or an error that names the option and the file:
// INVALID_ARGUMENT for an option that is missing, NOT_FOUND or PERMISSION_DENIED for a file that
// cannot be read, FAILED_PRECONDITION for one that is not PEM, for a key that does not belong to
// its certificate, and for a certificate that has expired. Reads files: blocks the thread.
absl::Status Validate(const TlsServerOptions& options);
absl::Status Validate(const TlsChannelOptions& options);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_TLS_H_
