// AcceptSlot: asks gRPC for the next call of one method, again and again, and hands each one to a
// call object (server_call_impl.h). gRPC writes a new call into the slot's memory; only what the
// call needs goes along, since calls may wait by the thousand.
//
// All of it happens on one shard.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_ACCEPT_SLOT_H_
#define WEFT_PLATFORM_RPC_INTERNAL_ACCEPT_SLOT_H_

#include <grpc/grpc.h>

#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"
#include "platform/fiber/stack_size.h"
#include "platform/rpc/internal/operation.h"
#include "platform/rpc/server/service.h"

namespace weft::rpc::internal {

class ServerShard;

// A method as the server knows it. The handle is gRPC's; null for what nobody registered.
struct RegisteredMethod {
  const MethodDescriptor* descriptor = nullptr;
  Service* service = nullptr;
  Service::Handler handler = nullptr;
  void* handle = nullptr;
  StackSize stack = StackSize::kDefault;  // that its calls run on

  bool request_comes_along() const {
    return descriptor->kind == MethodKind::kUnary ||
           descriptor->kind == MethodKind::kServerStreaming;
  }
};

// A new call. The views end with the function that it is handed to.
struct AcceptedCall {
  const RegisteredMethod& method;
  grpc_call* core;            // for the taker to release, as is `request`
  grpc_byte_buffer* request;  // null unless request_comes_along()
  int64_t deadline_nanos;     // of gRPC's monotonic clock, which is the shard's
  absl::string_view path;     // what the client asked for
  // What the entries' slices point to, if not inside the entry, lives as long as `core`.
  std::span<const grpc_metadata> metadata;
};

class AcceptSlot final : private Operation {
 public:
  // Both outlive the slot.
  AcceptSlot(ServerShard& shard, const RegisteredMethod& method);
  ~AcceptSlot();
  AcceptSlot(const AcceptSlot&) = delete;
  AcceptSlot& operator=(const AcceptSlot&) = delete;

  // Asks gRPC for the first call. The slot goes on by itself, until the server shuts down.
  void Arm();

 private:
  void Notify(bool ok) override;
  bool registered() const { return method_.handle != nullptr; }
  void ReleaseAccepted();

  ServerShard& shard_;
  const RegisteredMethod& method_;
  // Filled by gRPC when a call comes.
  grpc_call* core_ = nullptr;
  grpc_byte_buffer* request_ = nullptr;
  grpc_metadata_array metadata_ = {};
  gpr_timespec deadline_ = {};
  grpc_call_details details_ = {};  // in place of `deadline_`, where nobody registered the method
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_ACCEPT_SLOT_H_
