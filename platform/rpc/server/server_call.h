// ServerCall: one call being served, as seen by the glue of handler.h: messages in, messages out.
// The machinery behind it is internal (internal/server_call_impl.h).
#ifndef WEFT_PLATFORM_RPC_SERVER_SERVER_CALL_H_
#define WEFT_PLATFORM_RPC_SERVER_SERVER_CALL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"
#include "platform/rpc/compression.h"
#include "platform/rpc/server/call_context.h"

namespace weft::rpc {

class ServerCall : public CallContext {
 public:
  CallContext& context() { return *this; }

  // The one request of a unary or server-streaming call, which came with the call. Never parks.
  // INTERNAL when it does not parse.
  virtual absl::Status ReadRequest(google::protobuf::MessageLite* request) = 0;

  // The one reply of a unary or client-streaming call; it leaves with the status. Never parks.
  virtual absl::Status SetReply(const google::protobuf::MessageLite& reply) = 0;

  // The next request of a stream. Parks; a cancel point. False: the client has finished sending.
  virtual absl::StatusOr<bool> Read(google::protobuf::MessageLite* request) = 0;

  // The same; also false once the server drains (CallContext::draining), whatever has come. No
  // request is lost by it: a later Read() returns the next one.
  virtual absl::StatusOr<bool> ReadUntilDrain(google::protobuf::MessageLite* request) = 0;

  // Sends one message of a stream. Parks until flow control has taken it; a cancel point.
  virtual absl::Status Write(const google::protobuf::MessageLite& reply, WriteOptions options) = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_SERVER_CALL_H_
