// The calls that generated stubs make, one shape for each kind of method. All of them are made from
// fibers and park them; every call here is a cancel point unless it says otherwise. When the
// fiber's scope is cancelled, the call is cancelled on the wire and the method returns once gRPC
// has let go of it, with the scope's status.
//
// Cancel() of the streams ends a call at once, from any fiber of its shard: reads and writes in
// flight return false, Finish() returns CANCELLED.
//
// From a plain thread every call fails with FAILED_PRECONDITION: use Runtime::Run.
#ifndef WEFT_PLATFORM_RPC_CLIENT_CALLS_H_
#define WEFT_PLATFORM_RPC_CLIENT_CALLS_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/client/client_call.h"
#include "platform/rpc/method.h"

namespace weft::rpc {

template <typename Reply>
absl::StatusOr<Reply> CallUnary(Channel& channel, const MethodDescriptor& method,
                                const google::protobuf::MessageLite& request,
                                const CallOptions& options) {
  absl::StatusOr<Reply> reply(absl::in_place);
  if (absl::Status s = CallUnaryMessage(channel, method, request, &*reply, options); !s.ok()) {
    return s;
  }
  return reply;
}

// Server streaming: the replies.
template <typename Reply>
class ClientReader {
 public:
  ClientReader(Channel& channel, const MethodDescriptor& method,
               const google::protobuf::MessageLite& request, const CallOptions& options)
      : call_(ClientCall::Start(channel, method, options)) {
    call_->WriteLast(request);
  }
  // True with the next reply in `*reply`; false at the end: ask Finish() how it ended.
  bool Read(Reply* reply) { return call_->Read(reply); }
  // The status of the call. Cancels what is still under way. Call it once, at the end.
  absl::Status Finish() { return call_->Finish(); }
  void Cancel() { call_->Cancel(); }

 private:
  std::unique_ptr<ClientCall> call_;
};

// Client streaming: the requests, then one reply.
template <typename Request, typename Reply>
class ClientWriter {
 public:
  ClientWriter(Channel& channel, const MethodDescriptor& method, const CallOptions& options)
      : call_(ClientCall::Start(channel, method, options)) {}
  // False once the call is over: ask Finish() how it ended. Parks for flow control.
  bool Write(const Request& request, WriteOptions options = {}) {
    return call_->Write(request, options);
  }
  // Ends the requests and waits for the reply.
  absl::StatusOr<Reply> Finish() {
    call_->WritesDone();
    Reply reply;
    const bool got = call_->Read(&reply);
    if (absl::Status s = call_->FinishAfterReply(); !s.ok()) return s;
    if (!got) return absl::InternalError("the server ended the call with OK but sent no reply");
    return reply;
  }
  void Cancel() { call_->Cancel(); }

 private:
  std::unique_ptr<ClientCall> call_;
};

// Both directions. One fiber may Read while another one Writes.
template <typename Request, typename Reply>
class ClientStream {
 public:
  ClientStream(Channel& channel, const MethodDescriptor& method, const CallOptions& options)
      : call_(ClientCall::Start(channel, method, options)) {}
  bool Write(const Request& request, WriteOptions options = {}) {
    return call_->Write(request, options);
  }
  // Half-closes: the server's reads end. Idempotent.
  void WritesDone() { call_->WritesDone(); }
  bool Read(Reply* reply) { return call_->Read(reply); }
  // The status of the call; cancels it when the server has not ended it yet.
  absl::Status Finish() { return call_->Finish(); }
  void Cancel() { call_->Cancel(); }

 private:
  std::unique_ptr<ClientCall> call_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_CALLS_H_
