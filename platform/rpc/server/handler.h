// How each kind of method runs its handler: the glue between generated code and a ServerCall.
// Only generated code includes this. `method` is a callable that forwards to the handler's virtual
// function.
#ifndef WEFT_PLATFORM_RPC_SERVER_HANDLER_H_
#define WEFT_PLATFORM_RPC_SERVER_HANDLER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/rpc/server/server_call.h"
#include "platform/rpc/server/service.h"
#include "platform/rpc/server/streams.h"

namespace weft::rpc {

// `method`: absl::StatusOr<Reply>(CallContext&, const Request&)
template <typename Request, typename Reply, typename F>
absl::Status HandleUnary(ServerCall& call, F method) {
  Request request;
  if (absl::Status s = call.ReadRequest(&request); !s.ok()) return s;
  absl::StatusOr<Reply> reply = method(call.context(), request);
  if (!reply.ok()) return std::move(reply).status();
  return call.SetReply(*reply);
}

// `method`: absl::Status(CallContext&, const Request&, ServerWriter<Reply>&)
template <typename Request, typename Reply, typename F>
absl::Status HandleServerStreaming(ServerCall& call, F method) {
  Request request;
  if (absl::Status s = call.ReadRequest(&request); !s.ok()) return s;
  ServerWriter<Reply> writer(call);
  return method(call.context(), request, writer);
}

// `method`: absl::StatusOr<Reply>(CallContext&, ServerReader<Request>&)
template <typename Request, typename Reply, typename F>
absl::Status HandleClientStreaming(ServerCall& call, F method) {
  ServerReader<Request> reader(call);
  absl::StatusOr<Reply> reply = method(call.context(), reader);
  if (!reply.ok()) return std::move(reply).status();
  return call.SetReply(*reply);
}

// `method`: absl::Status(CallContext&, ServerStream<Request, Reply>&)
template <typename Request, typename Reply, typename F>
absl::Status HandleBidirectional(ServerCall& call, F method) {
  ServerStream<Request, Reply> stream(call);
  return method(call.context(), stream);
}

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_HANDLER_H_
