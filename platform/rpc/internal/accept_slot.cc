#include "platform/rpc/internal/accept_slot.h"

#include <utility>

#include "platform/base/check.h"
#include "platform/rpc/internal/server_call_impl.h"
#include "platform/rpc/internal/server_shard.h"
#include "platform/rpc/internal/slices.h"
#include "platform/rpc/internal/timespec.h"

namespace weft::rpc::internal {

AcceptSlot::AcceptSlot(ServerShard& shard, const RegisteredMethod& method)
    : shard_(shard), method_(method) {
  grpc_metadata_array_init(&metadata_);
  grpc_call_details_init(&details_);
}

AcceptSlot::~AcceptSlot() { ReleaseAccepted(); }

void AcceptSlot::Arm() {
  grpc_completion_queue* const queue = shard_.poller().core();
  const grpc_call_error error =
      registered() ? grpc_server_request_registered_call(
                         shard_.core_server(), method_.handle, &core_, &deadline_, &metadata_,
                         method_.request_comes_along() ? &request_ : nullptr, queue, queue, tag())
                   : grpc_server_request_call(shard_.core_server(), &core_, &details_, &metadata_,
                                              queue, queue, tag());
  Check(error == GRPC_CALL_OK, "gRPC refused to be asked for a call");
}

void AcceptSlot::Notify(bool ok) {
  if (!ok) {  // The server shuts down: there will be no call.
    shard_.SlotEnded();
    return;
  }
  shard_.AddCall().Begin({
      .method = method_,
      .core = std::exchange(core_, nullptr),
      .request = std::exchange(request_, nullptr),
      .deadline_nanos =
          ToMonotonicNanos(registered() ? deadline_ : details_.deadline, shard_.clock()),
      .path = registered() ? absl::string_view(method_.descriptor->path) : View(details_.method),
      .metadata = {metadata_.metadata, metadata_.count},
  });
  ReleaseAccepted();
  Arm();
}

// The array has room for all headers of a call, of which few are metadata, and gRPC would take an
// array that is kept here into its next call.
void AcceptSlot::ReleaseAccepted() {
  grpc_metadata_array_destroy(&metadata_);
  grpc_metadata_array_init(&metadata_);
  if (registered()) return;
  grpc_call_details_destroy(&details_);
  grpc_call_details_init(&details_);
}

}  // namespace weft::rpc::internal
