#include "platform/rpc/internal/tls_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

namespace weft::rpc::internal {
namespace {

unsigned Seconds(absl::Duration interval) {
  return static_cast<unsigned>(absl::ToInt64Seconds(interval));
}

}  // namespace

grpc_channel_credentials* MakeTlsChannelCredentials(const TlsChannelOptions& options) {
  grpc_tls_credentials_options* const core = grpc_tls_credentials_options_create();
  const bool has_identity = !options.certificate_file.empty();
  if (has_identity || !options.ca_file.empty()) {
    grpc_tls_certificate_provider* const files = grpc_tls_certificate_provider_file_watcher_create(
        options.private_key_file.c_str(), options.certificate_file.c_str(), options.ca_file.c_str(),
        Seconds(options.reload_interval));
    grpc_tls_credentials_options_set_certificate_provider(core, files);
    grpc_tls_certificate_provider_release(files);
  }
  if (has_identity) grpc_tls_credentials_options_watch_identity_key_cert_pairs(core);
  if (!options.ca_file.empty()) grpc_tls_credentials_options_watch_root_certs(core);
  return grpc_tls_credentials_create(core);  // Takes the options.
}

std::shared_ptr<grpc::ServerCredentials> MakeTlsServerCredentials(const TlsServerOptions& options) {
  using grpc::experimental::FileWatcherCertificateProvider;
  auto files = std::make_shared<FileWatcherCertificateProvider>(
      options.private_key_file, options.certificate_file, options.client_ca_file,
      Seconds(options.reload_interval));
  grpc::experimental::TlsServerCredentialsOptions core(std::move(files));
  core.watch_identity_key_cert_pairs();
  if (!options.client_ca_file.empty()) {
    core.watch_root_certs();
    core.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(core);
}

}  // namespace weft::rpc::internal
