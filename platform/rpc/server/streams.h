// The streams that handlers read from and write to. One type for each direction a method has.
//
// All calls park the fiber and are cancel points. At most one Read and one Write may be in flight
// a call: a second one, from another fiber, fails with FAILED_PRECONDITION. Write returns once
// gRPC's flow control has taken the message, so that a slow client slows the handler down
// (backpressure) rather than filling memory.
#ifndef WEFT_PLATFORM_RPC_SERVER_STREAMS_H_
#define WEFT_PLATFORM_RPC_SERVER_STREAMS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/rpc/server/server_call.h"

namespace weft::rpc {

// The requests of a client-streaming or bidirectional call.
template <typename Request>
class ServerReader {
 public:
  explicit ServerReader(ServerCall& call) : call_(call) {}

  // True with the next request in `*request`; false when the client has finished sending, or when
  // the call broke: `status()` tells which.
  bool Read(Request* request) { return Take(call_.Read(request)); }

  // The same, but also false, with an OK status, as soon as the server drains: for handlers that
  // would wait for the next request until they were cancelled. Then either return, or tell the
  // client that it should finish and go on with Read(), which misses nothing.
  bool ReadUntilDrain(Request* request) { return Take(call_.ReadUntilDrain(request)); }

  // OK after a clean end; CANCELLED or DEADLINE_EXCEEDED after a break (the latter also for a
  // stream that is idle for too long, ServerOptions::stream_idle_timeout); INTERNAL for a request
  // that does not parse.
  const absl::Status& status() const { return status_; }

 private:
  bool Take(absl::StatusOr<bool> got) {
    if (!got.ok()) status_ = got.status();
    return got.ok() && *got;
  }

  ServerCall& call_;
  absl::Status status_;
};

// The replies of a server-streaming or bidirectional call.
template <typename Reply>
class ServerWriter {
 public:
  explicit ServerWriter(ServerCall& call) : call_(call) {}

  // OK once flow control has taken the message. CANCELLED or DEADLINE_EXCEEDED when the call is
  // over: the handler should return that status.
  absl::Status Write(const Reply& reply, WriteOptions options = {}) {
    return call_.Write(reply, options);
  }

 private:
  ServerCall& call_;
};

// Both directions. Read and Write may be used by two fibers at once.
template <typename Request, typename Reply>
class ServerStream : public ServerReader<Request>, public ServerWriter<Reply> {
 public:
  explicit ServerStream(ServerCall& call)
      : ServerReader<Request>(call), ServerWriter<Reply>(call) {}
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_SERVER_STREAMS_H_
