// ClientCall: one outgoing call on gRPC's C core, with blocking (fiber-parking) operations. The
// typed wrappers of calls.h are what people use.
#ifndef WEFT_PLATFORM_RPC_CLIENT_CLIENT_CALL_H_
#define WEFT_PLATFORM_RPC_CLIENT_CLIENT_CALL_H_

#include <memory>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/method.h"

namespace weft::rpc {

// A whole unary call in one batch. Parks; a cancel point. `*reply` is set when OK is returned.
absl::Status CallUnaryMessage(Channel& channel, const MethodDescriptor& method,
                              const google::protobuf::MessageLite& request,
                              google::protobuf::MessageLite* reply, const CallOptions& options);

// A call with at least one stream. Made, used and destroyed on fibers of one shard.
class ClientCall {
 public:
  // Never null; a call that could not be started answers every operation with false and tells why
  // in Finish().
  static std::unique_ptr<ClientCall> Start(Channel& channel, const MethodDescriptor& method,
                                           const CallOptions& options);
  // Cancels the call if it is not finished, and parks until gRPC has let go of it.
  virtual ~ClientCall() = default;

  virtual bool Write(const google::protobuf::MessageLite& request, WriteOptions options) = 0;
  // Write and half-close in one batch.
  virtual bool WriteLast(const google::protobuf::MessageLite& request) = 0;
  virtual void WritesDone() = 0;
  virtual bool Read(google::protobuf::MessageLite* reply) = 0;
  // Gives the call up: what is in flight ends. Never parks; no-op after Finish().
  virtual void Cancel() = 0;
  // Waits for the status when the server has ended the replies, else cancels first.
  virtual absl::Status Finish() = 0;
  // Waits for the status without cancelling: after the only reply of a client-streaming call.
  virtual absl::Status FinishAfterReply() = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_CLIENT_CALL_H_
