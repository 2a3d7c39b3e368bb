#include "platform/app/tls_config.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

absl::Status About(const char* keys, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(keys, ": ", std::string(status.message())));
}

}  // namespace

std::vector<ConfigKey> TlsConfigKeys() {
  return {
      {.name = "grpc.tls.certificate_file",
       .value = "",
       .help = "the server's certificate chain (PEM); empty: calls are served in plaintext"},
      {.name = "grpc.tls.private_key_file", .value = "", .help = "its private key (PEM)"},
      {.name = "grpc.tls.client_ca_file",
       .value = "",
       .help = "mutual TLS: authorities of the clients' certificates (PEM); others are refused"},
      {.name = "channel.tls.enabled",
       .value = false,
       .help = "whether calls to other services go over TLS"},
      {.name = "channel.tls.ca_file",
       .value = "",
       .help = "authorities of the servers' certificates (PEM); empty: those of the system"},
      {.name = "channel.tls.certificate_file",
       .value = "",
       .help = "this client's certificate (PEM), for servers with mutual TLS"},
      {.name = "channel.tls.private_key_file", .value = "", .help = "its private key (PEM)"},
      {.name = "tls.reload_interval",
       .value = absl::Seconds(10),
       .help = "how often certificate files are looked at; new connections use what is new",
       .min = absl::Seconds(1),
       .max = absl::Hours(24)},
  };
}

std::optional<rpc::TlsServerOptions> ServerTls(const Config& config) {
  const rpc::TlsServerOptions options = {
      .certificate_file = config.String("grpc.tls.certificate_file"),
      .private_key_file = config.String("grpc.tls.private_key_file"),
      .client_ca_file = config.String("grpc.tls.client_ca_file"),
      .reload_interval = config.Duration("tls.reload_interval")};
  const bool wanted = !options.certificate_file.empty() || !options.private_key_file.empty() ||
                      !options.client_ca_file.empty();
  return wanted ? std::make_optional(options) : std::nullopt;
}

std::optional<rpc::TlsChannelOptions> ChannelTls(const Config& config) {
  if (!config.Bool("channel.tls.enabled")) return std::nullopt;
  return rpc::TlsChannelOptions{.ca_file = config.String("channel.tls.ca_file"),
                                .certificate_file = config.String("channel.tls.certificate_file"),
                                .private_key_file = config.String("channel.tls.private_key_file"),
                                .reload_interval = config.Duration("tls.reload_interval")};
}

absl::Status CheckTls(const Config& config) {
  if (const auto options = ServerTls(config)) {
    if (absl::Status s = About("grpc.tls", Validate(*options)); !s.ok()) return s;
  }
  if (const auto options = ChannelTls(config)) return About("channel.tls", Validate(*options));
  for (const char* key :
       {"channel.tls.ca_file", "channel.tls.certificate_file", "channel.tls.private_key_file"}) {
    // Better than calls in plaintext that were meant to be secret.
    if (!config.String(key).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(key, " is set, but channel.tls.enabled is false: set it to true"));
    }
  }
  return absl::OkStatus();
}

}  // namespace weft::app
