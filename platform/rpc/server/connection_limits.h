// ConnectionLimits: what a server lets one connection, and all of them together, take; and when it
// looks whether a connection's other end is still there.
#ifndef WEFT_PLATFORM_RPC_SERVER_CONNECTION_LIMITS_H_
#define WEFT_PLATFORM_RPC_SERVER_CONNECTION_LIMITS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft::rpc {

// Durations are rounded to milliseconds; absl::InfiniteDuration() means never.
struct ConnectionLimits {
  // Connections above this are closed as soon as they are accepted: their clients get UNAVAILABLE
  // at once and try another server. Each takes two file descriptors (ulimit -n).
  int max_connections = 10'000;

  // A new connection has so long for its beginning: TLS, and what HTTP/2 says first. Then it is
  // closed, so that peers who connect and say nothing, or a byte a second, do not fill
  // `max_connections` for long. gRPC's own default is two minutes.
  absl::Duration handshake_timeout = absl::Seconds(10);

  // Calls in flight on a connection (HTTP/2: MAX_CONCURRENT_STREAMS). A gRPC client that has more
  // keeps them back until others end.
  int max_calls_per_connection = 1'000;

  // How much is read from a connection before the others have their turn; little from one whose
  // client takes most of its calls back (internal/fair_reads.h). Off: until nothing is left.
  bool fair_reads = true;

  // The headers of a call, each counted with 32 bytes more than it has (RFC 9113, 6.5.2). A call
  // with more ends with RESOURCE_EXHAUSTED, mostly in its client already. gRPC's own default is 8
  // KiB, which a few large tokens fill.
  int max_metadata_bytes = 16 * 1024;

  // A connection that is so old, give or take 10 % (gRPC's jitter, against all coming back at
  // once), is told to go (GOAWAY): its client opens another one for new calls, perhaps to another
  // server, which is how load reaches servers that were added. Calls in flight go on for
  // `max_age_grace`, then the connection is closed under them.
  absl::Duration max_age = absl::InfiniteDuration();
  absl::Duration max_age_grace = absl::InfiniteDuration();
  // A connection without calls for so long is closed.
  //
  // With max_age or max_idle every call passes one more of gRPC's filters.
  absl::Duration max_idle = absl::InfiniteDuration();

  // Where nothing has come for `keepalive_time`, with or without calls in flight, the server sends
  // a ping; without an answer for `keepalive_timeout` the connection is closed and its calls see
  // that their client is gone. Finds ends that vanished without a word: a machine that lost power,
  // a firewall that forgot the connection.
  absl::Duration keepalive_time = absl::Minutes(1);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // A client may do the same. One that sends pings more often than this, three times, is told to go
  // (ENHANCE_YOUR_CALM).
  absl::Duration min_ping_interval = absl::Seconds(10);
};

// INVALID_ARGUMENT naming the field that is not above zero (max_age_grace may be zero).
absl::Status Validate(const ConnectionLimits& limits);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_CONNECTION_LIMITS_H_
