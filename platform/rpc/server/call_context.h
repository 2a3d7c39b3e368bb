// CallContext: what a handler and the interceptors round it know of the call they serve.
#ifndef WEFT_PLATFORM_RPC_SERVER_CALL_CONTEXT_H_
#define WEFT_PLATFORM_RPC_SERVER_CALL_CONTEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/rpc/metadata.h"
#include "platform/rpc/method.h"

namespace weft::rpc {

// Lives as long as the call's handler and interceptors run. Used by the call's fiber and by the
// children of its task groups; no call parks.
class CallContext {
 public:
  virtual ~CallContext() = default;

  // The method served; its path is what the client sent. For a method that nobody registered, the
  // descriptor's name is "other" and `requested_method()` tells what was asked for.
  const MethodDescriptor& method() const { return *method_; }
  virtual absl::string_view requested_method() const = 0;

  // The client's address, such as "ipv4:10.1.2.3:41234".
  virtual std::string peer() const = 0;

  // With mutual TLS, what the client's verified certificate calls it: subject alternative names, or
  // else its common name. Empty otherwise.
  virtual std::vector<std::string> peer_identities() const = 0;

  // When the client stops waiting. When it set no deadline, the method's default_timeout from the
  // start, or absl::InfiniteFuture() if there is none (proto/weft/options.proto). The call's
  // cancel scope ends a little earlier (ServerOptions::deadline_margin), and with it every park and
  // every outgoing call; what must not be bounded by it runs in a weft::CancelScope with a shield.
  virtual absl::Time deadline() const = 0;

  // The scope the handler runs in, named after the method. It is cancelled (client gone, deadline,
  // drain) while the handler runs, and tells why: cause(), chain(). Code that computes for long
  // without parking should ask `scope().cancelled()` after a weft::YieldIfDue().
  virtual CancelScope& scope() = 0;

  // Whether the server has begun to shut down: it takes no new calls, and clients have been told to
  // go elsewhere. Calls in flight have until the end of the grace (ShutdownOptions) to finish by
  // themselves; what does not is cancelled (cause: drain). A short call need not care. A stream
  // that has no end of its own should end now, with OK, so that its client opens it anew at another
  // server:
  //
  //   while (!call.draining() && …) { … Write … }                     // between two messages
  //   weft::Select(Receive(news, …), Wait(call.drain_event(), …));    // while it waits
  //   while (stream.ReadUntilDrain(&request)) { … }                   // streams.h
  bool draining() { return drain_event().IsSet(); }
  // Set from then on, for ever. For asking and waiting: the server sets it.
  virtual Event& drain_event() = 0;

  // What the client sent with the call.
  virtual MetadataView metadata() const = 0;

  // Sent before the first message, or with the reply of a unary call. Adding after it was sent has
  // no effect. Bad entries turn the call into INTERNAL with a text that names the key.
  virtual void AddInitialMetadata(absl::string_view key, absl::string_view value) = 0;
  // Sent with the status.
  virtual void AddTrailingMetadata(absl::string_view key, absl::string_view value) = 0;

  // Replies are compressed from here on, with what the client accepts; before the first of them.
  // See compression.h for what it costs.
  virtual void CompressReplies() = 0;
  // Whether the client had compressed the last request that was read.
  virtual bool request_was_compressed() const = 0;

  // Message bytes so far (payload without framing), for telemetry.
  uint64_t received_bytes() const { return received_bytes_; }
  uint64_t sent_bytes() const { return sent_bytes_; }
  // When the call was accepted, on the runtime's clock (monotonic nanoseconds).
  int64_t accepted_nanos() const { return accepted_nanos_; }
  // When the handler began, the same way: after the fiber's turn came and interceptors had let the
  // call through. 0: it has not, or will not.
  int64_t handler_started_nanos() const { return handler_started_nanos_; }

 protected:
  const MethodDescriptor* method_ = nullptr;
  uint64_t received_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  int64_t accepted_nanos_ = 0;
  int64_t handler_started_nanos_ = 0;
};

}  // namespace weft::rpc

namespace weft {
using rpc::CallContext;
}  // namespace weft

#endif  // WEFT_PLATFORM_RPC_SERVER_CALL_CONTEXT_H_
