// Server: serves gRPC on a Runtime's shards.
//
//   weft::rpc::ShardQueues queues(/*shards=*/2);
//   weft::Runtime runtime({.shards = 2, .poller_factory = queues.Pollers()});
//   auto server = weft::rpc::Server::Start(runtime, queues, {.listen = {"0.0.0.0:50051"}},
//                                          {&catalog_handler, &health});
//   …
//   (*server)->Shutdown({.grace = absl::Seconds(5)});
#ifndef WEFT_PLATFORM_RPC_SERVER_SERVER_H_
#define WEFT_PLATFORM_RPC_SERVER_SERVER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/server/call_stacks.h"
#include "platform/rpc/server/connection_limits.h"
#include "platform/rpc/server/interceptor.h"
#include "platform/rpc/server/service.h"
#include "platform/rpc/shard_queues.h"
#include "platform/rpc/tls.h"

namespace weft::rpc {

enum class CoalesceReplies {
  kOff,      // one by one
  kCork,     // a system call each, held back by the kernel (TCP_CORK) and sent together
  kCollect,  // one system call for all; kCork where that cannot be (docs/adr/0005)
};

struct ServerOptions {
  // "host:port" each; port 0 takes a free one (ask Server::ports()). Or "unix-abstract:name", as
  // channels call it: a socket of this machine (of its network namespace) with neither port nor
  // file.
  std::vector<std::string> listen = {"127.0.0.1:0"};
  // Set: all ports speak TLS. Unset: plaintext.
  std::optional<TlsServerOptions> tls = std::nullopt;
  // A larger request is answered with RESOURCE_EXHAUSTED; its handler never runs.
  int max_receive_message_bytes = 4 * 1024 * 1024;
  // Whether clients read the text of INTERNAL errors (error_details.h). For development.
  bool send_internal_messages = false;
  // A handler's cancel scope ends so long before its client stops waiting, at most a tenth of the
  // time the call has: then the answer that names what was too slow still arrives.
  absl::Duration deadline_margin = absl::Milliseconds(5);
  // Calls of one method that a shard has asked gRPC for in advance. Few on purpose: 1,024 cost a
  // quarter more CPU a call than 16 (gRPC looks through all that wait at each event).
  int accept_slots = 4;
  // How the replies of one turn of the loop leave (ARCHITECTURE.md, "Replies leave together").
  CoalesceReplies coalesce_replies = CoalesceReplies::kCollect;
  ConnectionLimits connections = {};
  // A Read or Write of a handler that waits while no message of its call comes or goes for so long
  // fails with DEADLINE_EXCEEDED, and the call with it: a client that neither sends nor reads does
  // not hold a call for ever. Off by default, for streams may rest for good reasons; that a client
  // is still there is what keepalive finds out.
  absl::Duration stream_idle_timeout = absl::InfiniteDuration();
  // How many requests a second of a stream its handler is given, and as many at once after a pause;
  // at least one. A Read that would be too early parks first, and the client is slowed by flow
  // control once gRPC's buffers are full. 0: no limit. At most a million.
  double stream_requests_per_second = 0;
  // Which size of stack calls run on, by kind or method.
  CallStacks stacks = {};
  // Whether to start though methods have required_scopes (proto/weft/options.proto) that no
  // interceptor enforces, so that anybody may call them. For tests and development.
  bool ignore_required_scopes = false;
  // They outlive the server. Sorted by their stages (interceptor_stage.h).
  std::vector<ServerInterceptor*> interceptors = {};
};

struct ServerStats {
  uint64_t connections_accepted_total = 0;
  uint64_t connections_open = 0;
  uint64_t calls_in_flight = 0;
  uint64_t connections_refused_total = 0;  // ConnectionLimits::max_connections
};

class Server {
 public:
  struct ShutdownOptions {
    // In-flight calls may finish for this long; then they are cancelled (cause: drain).
    absl::Duration grace = absl::Seconds(20);
    // Cancelled handlers may take this long to return; then Shutdown gives up on them.
    absl::Duration after_cancel = absl::Seconds(5);
  };

  // Binds, listens and serves. `services` outlive the server. Blocks the thread briefly; not on a
  // fiber. Errors: INVALID_ARGUMENT for an address that does not parse, a method registered twice,
  // a stack for a method that is none, a stream_idle_timeout of zero, a
  // stream_requests_per_second that is negative or above a million; FAILED_PRECONDITION naming
  // the port when it is taken, a method whose required_scopes nobody enforces, or when the queues
  // have had a server; PERMISSION_DENIED when the port is reserved; those of
  // Validate(TlsServerOptions) and Validate(ConnectionLimits).
  static absl::StatusOr<std::unique_ptr<Server>> Start(Runtime& runtime, ShardQueues& queues,
                                                       ServerOptions options,
                                                       std::vector<Service*> services);
  // Shuts down with default options if Shutdown was not called.
  virtual ~Server() = default;

  // The ports, in the order of ServerOptions::listen; 0 for an address without one.
  virtual const std::vector<int>& ports() const = 0;

  // Stops: no new connections or calls; handlers that ask see it (CallContext::draining); in-flight
  // calls finish within `grace`, are then cancelled, and are waited for. Blocks the thread; one
  // thread at a time; idempotent once it returned OK. DEADLINE_EXCEEDED names the methods whose
  // handlers did not return: call it again to wait longer, or exit the process without destroying
  // server and runtime, which would wait for ever.
  virtual absl::Status Shutdown(const ShutdownOptions& options) = 0;

  // Ends all connections, as a network that fails would: without a farewell, so that clients see
  // UNAVAILABLE and handlers their cancellation (client gone). New connections are taken. For
  // tests, and for getting rid of clients by hand. Any thread or fiber; does not wait for the ends.
  virtual void BreakConnections() = 0;

  virtual ServerStats Stats() const = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_SERVER_H_
