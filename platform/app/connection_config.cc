#include "platform/app/connection_config.h"

#include "absl/time/time.h"

namespace weft::app {
namespace {

// Where gRPC stops counting: its milliseconds are an int.
constexpr absl::Duration kLongest = absl::Hours(24 * 24);

}  // namespace

std::vector<ConfigKey> ConnectionConfigKeys() {
  const rpc::ConnectionLimits defaults;
  return {
      {.name = "grpc.max_connections",
       .value = defaults.max_connections,
       .help = "connections above this are closed at once; each takes two file descriptors",
       .min = 1},
      {.name = "grpc.handshake_timeout",
       .value = defaults.handshake_timeout,
       .help = "a new connection that has not begun to speak HTTP/2 after so long is closed",
       .min = absl::Milliseconds(1),
       .max = kLongest},
      {.name = "grpc.max_calls_per_connection",
       .value = defaults.max_calls_per_connection,
       .help = "calls in flight on one connection; its client keeps back those above",
       .min = 1},
      {.name = "grpc.max_metadata_bytes",
       .value = defaults.max_metadata_bytes,
       .help = "of a call's headers; more is refused with RESOURCE_EXHAUSTED",
       .min = 1024},
      {.name = "grpc.max_connection_age",
       .value = absl::ZeroDuration(),
       .help = "an older connection, give or take 10 %, is told to go, so that its client connects "
               "anew, perhaps to another server; 0: never",
       .max = kLongest},
      {.name = "grpc.max_connection_age_grace",
       .value = absl::ZeroDuration(),
       .help = "how long its calls may then take before it is closed; 0: as long as they want",
       .max = kLongest},
      {.name = "grpc.max_connection_idle",
       .value = absl::ZeroDuration(),
       .help = "a connection without calls for so long is closed; 0: never",
       .max = kLongest},
      {.name = "grpc.keepalive_time",
       .value = defaults.keepalive_time,
       .help = "a connection that is silent for so long is asked whether its other end is still "
               "there; 0: never",
       .max = kLongest},
      {.name = "grpc.keepalive_timeout",
       .value = defaults.keepalive_timeout,
       .help = "without an answer for so long it is closed",
       .min = absl::Milliseconds(1),
       .max = kLongest},
      {.name = "grpc.min_ping_interval",
       .value = defaults.min_ping_interval,
       .help = "clients that ask more often than this are told to go",
       .min = absl::Milliseconds(1),
       .max = kLongest},
  };
}

rpc::ConnectionLimits ServerConnections(const Config& config) {
  return {.max_connections = config.Int("grpc.max_connections"),
          .handshake_timeout = config.Duration("grpc.handshake_timeout"),
          .max_calls_per_connection = config.Int("grpc.max_calls_per_connection"),
          .max_metadata_bytes = config.Int("grpc.max_metadata_bytes"),
          .max_age = config.DurationOrNever("grpc.max_connection_age"),
          .max_age_grace = config.DurationOrNever("grpc.max_connection_age_grace"),
          .max_idle = config.DurationOrNever("grpc.max_connection_idle"),
          .keepalive_time = config.DurationOrNever("grpc.keepalive_time"),
          .keepalive_timeout = config.Duration("grpc.keepalive_timeout"),
          .min_ping_interval = config.Duration("grpc.min_ping_interval")};
}

}  // namespace weft::app
