#include "platform/rpc/internal/core_server_args.h"

#include <grpc/grpc.h>
#include <grpcpp/server_builder.h>

#include "absl/time/time.h"
#include "platform/rpc/internal/timespec.h"

namespace weft::rpc::internal {

void AddCoreServerArgs(const ConnectionLimits& limits, grpc::ServerBuilder* builder) {
  const auto add = [&](const char* key, int value) { builder->AddChannelArgument(key, value); };
  // Fewer filters a call. What they did is done here: deadlines by the call's cancel scope, the
  // size limit by ServerCallImpl::CheckSize. Messages may be compressed both ways.
  //
  // gRPC leaves out the filter of ages with the others (channel_idle_filter.cc): where one is
  // wanted, the others are switched off one by one.
  const int age = ToMillis(limits.max_age);
  const int idle = ToMillis(limits.max_idle);
  add(GRPC_ARG_MINIMAL_STACK, age == kNeverMillis && idle == kNeverMillis ? 1 : 0);
  add(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);
  add(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1);
  add(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 1);
  add(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 1);
  add(GRPC_ARG_ENABLE_CHANNELZ, 0);

  add(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, ToMillis(limits.handshake_timeout));
  add(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_calls_per_connection);
  add(GRPC_ARG_MAX_METADATA_SIZE, limits.max_metadata_bytes);
  add(GRPC_ARG_MAX_CONNECTION_AGE_MS, age);
  const bool no_grace = limits.max_age_grace == absl::ZeroDuration();
  add(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, no_grace ? 0 : ToMillis(limits.max_age_grace));
  add(GRPC_ARG_MAX_CONNECTION_IDLE_MS, idle);
  add(GRPC_ARG_KEEPALIVE_TIME_MS, ToMillis(limits.keepalive_time));
  add(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ToMillis(limits.keepalive_timeout));
  // An idle connection may be dead too. This also lets clients ask about theirs.
  add(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  add(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  add(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, ToMillis(limits.min_ping_interval));
}

}  // namespace weft::rpc::internal
