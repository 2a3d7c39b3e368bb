// Channel: a client's connection to a target, shared by all shards and stubs.
#ifndef WEFT_PLATFORM_RPC_CLIENT_CHANNEL_H_
#define WEFT_PLATFORM_RPC_CLIENT_CHANNEL_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/client/interceptor.h"
#include "platform/rpc/client/load_balancing.h"
#include "platform/rpc/client/retry.h"
#include "platform/rpc/compression.h"
#include "platform/rpc/metadata.h"
#include "platform/rpc/tls.h"

struct grpc_channel;

namespace weft::rpc {

namespace internal {
class ChannelRetries;
class HedgeDelays;
}  // namespace internal

// How a connection whose other end is gone without a word, as after a crash of its machine, is
// found. What was sent and is not acknowledged within `timeout` ends it (TCP_USER_TIMEOUT). A
// connection that only waits for the other side is asked by a ping after `time`, while it has
// calls. The default suits every server: many end connections that ping more often than each 5
// minutes; servers of Weft allow every 10 s.
struct ChannelKeepalive {
  absl::Duration time = absl::Minutes(10);
  absl::Duration timeout = absl::Seconds(20);
};

struct ChannelOptions {
  // Set: connections are encrypted, and the server proves who it is. Unset: plaintext.
  std::optional<TlsChannelOptions> tls = std::nullopt;
  int max_receive_message_bytes = 4 * 1024 * 1024;
  // They outlive the channel. Sorted by their stages (interceptor_stage.h).
  std::vector<ClientInterceptor*> interceptors = {};
  // Whether and when unary calls that fail are sent again.
  RetryPolicy retry = {};
  LoadBalancingOptions load_balancing = {};
  ChannelKeepalive keepalive = {};
  // A connection of its own instead of sharing those of equal channels in the process.
  bool own_connection = false;
};

// What one call may ask for.
struct CallOptions {
  // The call ends at the earliest of these and of the deadline of the calling fiber's scope. With
  // neither, the method's default_timeout holds (proto/weft/options.proto). To be free of the
  // scope's, call inside a weft::CancelScope with a shield.
  absl::Duration timeout = absl::InfiniteDuration();
  absl::Time deadline = absl::InfiniteFuture();
  Metadata metadata = {};
  // Wait for a connection instead of failing at once with UNAVAILABLE while there is none.
  bool wait_for_ready = false;
  Compression compression = Compression::kNone;  // of what this side sends
  // False: one attempt, whatever the method's options and the channel's say.
  bool retry = true;
  // When set, filled with what the server sent, in the last attempt; must outlive the call.
  Metadata* initial_metadata = nullptr;
  Metadata* trailing_metadata = nullptr;
  // When set, told for each message received whether the server had compressed it.
  bool* reply_was_compressed = nullptr;
};

// Thread-safe; making one does not connect. Outlives its stubs and their calls.
class Channel {
 public:
  // `target` as gRPC names it: "dns:///catalog:50051", "127.0.0.1:50051", "ipv4:…", "unix:…".
  // Errors: INVALID_ARGUMENT for an empty target or a keepalive time that is not above zero; those
  // of Validate() for retries, load balancing and TLS. With TLS it reads files, which blocks the
  // thread.
  static absl::StatusOr<std::shared_ptr<Channel>> Create(std::string target,
                                                         ChannelOptions options = {});
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Waits until the channel has a connection to a server, so that its first call need not: makes
  // them, if it has none. On a fiber it parks (a thread of the runtime's blocking pool waits) and
  // is a cancel point, which takes up to 100 ms to be seen; elsewhere it blocks the thread. Goes on
  // trying until `deadline`. Errors: DEADLINE_EXCEEDED naming the target; those of Blocking().
  absl::Status Connect(absl::Time deadline);

  // Any thread.
  RetryBudgetStats RetryBudget() const;

  const std::string& target() const { return target_; }
  const ChannelOptions& options() const { return options_; }
  grpc_channel* core() const { return core_; }
  internal::ChannelRetries& retries() const { return *retries_; }
  internal::HedgeDelays& hedge_delays() const { return *hedge_delays_; }
  // Those that see calls, and those that see each attempt (interceptor.h).
  std::span<ClientInterceptor* const> outer_interceptors() const {
    return std::span(options_.interceptors).first(outer_interceptors_);
  }
  std::span<ClientInterceptor* const> inner_interceptors() const {
    return std::span(options_.interceptors).subspan(outer_interceptors_);
  }

 private:
  Channel(std::string target, ChannelOptions options, grpc_channel* core);
  const std::string target_;
  const ChannelOptions options_;
  const size_t outer_interceptors_;  // how many of options_.interceptors
  const std::unique_ptr<internal::ChannelRetries> retries_;
  const std::unique_ptr<internal::HedgeDelays> hedge_delays_;
  grpc_channel* const core_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_CHANNEL_H_
