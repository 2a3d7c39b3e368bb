// What unary and streaming client calls have in common: deadline, metadata, interceptors, status.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_CALL_H_
#define WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_CALL_H_

#include <grpc/grpc.h>

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/internal/completion_queue_poller.h"
#include "platform/rpc/method.h"

namespace weft::rpc::internal {

using Trackers = std::vector<std::unique_ptr<ClientCallTracker>>;

// A call as its caller sees it: what it has once, however many attempts are made at it, one after
// the other or, when it is hedged, beside each other. Made, used and destroyed on one fiber's
// shard; outlives its CoreCalls.
class OuterCall {
 public:
  OuterCall(Channel& channel, const MethodDescriptor& method, const CallOptions& options)
      : channel_(channel), method_(method), options_(options) {}
  OuterCall(const OuterCall&) = delete;
  OuterCall& operator=(const OuterCall&) = delete;

  // Sets the deadline and runs the starts of the outer interceptors. On an error the call is over.
  absl::Status Start();
  // Tells the trackers of the whole call. Once, at the end; returns `status`.
  absl::Status End(absl::Status status);

  Channel& channel() const { return channel_; }
  const MethodDescriptor& method() const { return method_; }
  const CallOptions& options() const { return options_; }
  absl::Time deadline() const { return deadline_; }
  // Whether it may be sent again whatever the server did with it (client/retry.h).
  bool repeatable() const {
    return options_.retry && method_.kind == MethodKind::kUnary && method_.options.idempotent() &&
           method_.options.retry != Retry::kNever;
  }
  // What every attempt sends; inner interceptors add to it.
  const Metadata& metadata() const {
    return metadata_.has_value() ? *metadata_ : options_.metadata;
  }

 private:
  friend class CoreCall;

  Channel& channel_;
  const MethodDescriptor& method_;
  const CallOptions& options_;
  absl::Time deadline_ = absl::InfiniteFuture();
  std::optional<Metadata> metadata_;  // unset: that of options_, as nobody could have added to it
  // Whether another attempt is under way, or was the one that succeeded.
  bool HasBetterAttempt() const { return under_way_ > 0 || succeeded_; }

  int attempts_ = 0;
  int under_way_ = 0;
  bool succeeded_ = false;
  Trackers trackers_;        // of the outer interceptors
  Trackers first_attempt_;   // of the inner ones, when the first attempt was not the last
  uint64_t sent_bytes_ = 0;  // of the attempts that have ended
  uint64_t received_bytes_ = 0;
};

// One attempt at a call. Made, used and destroyed on fibers of one shard. Requires for destruction:
// no tag is out.
class CoreCall {
 public:
  explicit CoreCall(OuterCall& outer) : CoreCall(outer, outer.options(), /*hedge=*/false) {}
  // A hedge. What it receives goes to where `options` say: those of the call in all else. They
  // outlive it.
  CoreCall(OuterCall& outer, const CallOptions& options) : CoreCall(outer, options, true) {}
  ~CoreCall();
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

  // Runs the starts of the inner interceptors and makes gRPC's call. On an error there is no call,
  // but End() wants to be told all the same.
  absl::Status Start();

  int number() const { return number_; }  // 1: the first attempt at the call
  grpc_call* core() const { return core_; }
  CompletionQueuePoller& poller() { return *poller_; }
  void Cancel() { grpc_call_cancel(core_, nullptr); }

  // The operations that every call has.
  void FillSendInitialMetadata(grpc_op* op);
  void FillReceiveInitialMetadata(grpc_op* op);
  void FillReceiveStatus(grpc_op* op);

  // The status that gRPC reported, once that operation has ended, with the method and the target in
  // its text.
  absl::Status ReceivedStatus() const;
  MetadataView trailing_metadata() const {
    return {trailing_metadata_.metadata, trailing_metadata_.count};
  }
  // True when gRPC surely gave the call to no connection; false when it did, or does not tell.
  bool NeverSent() const;
  // Counts a message that has come.
  void MessageReceived(grpc_byte_buffer& message);
  // Tells the interceptors and hands out the received metadata. Once, at the end; returns `status`.
  // `will_retry`: there will be another attempt, unless the wait for it is cancelled. Interceptors
  // hear the same of an attempt that failed while another one may still succeed.
  absl::Status End(absl::Status status, bool will_retry = false);

  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;

 private:
  CoreCall(OuterCall& outer, const CallOptions& options, bool hedge);
  absl::Time Deadline() const;

  OuterCall& outer_;
  const CallOptions& options_;
  CompletionQueuePoller* const poller_;
  const int number_;
  const bool hedge_;
  Metadata metadata_;
  Trackers trackers_;
  grpc_call* core_ = nullptr;
  std::vector<grpc_metadata> core_metadata_;
  grpc_metadata_array initial_metadata_ = {};
  grpc_metadata_array trailing_metadata_ = {};
  grpc_status_code code_ = GRPC_STATUS_UNKNOWN;
  grpc_slice message_ = {};
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_CALL_H_
