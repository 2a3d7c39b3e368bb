// The one place where statuses cross between Abseil and gRPC. Their codes have the same numbers by
// design (absl/status/status.h, "canonical error codes").
#ifndef WEFT_PLATFORM_RPC_INTERNAL_STATUS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_STATUS_H_

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weft::rpc::internal {

// A status travels in HTTP/2 headers, of which peers accept 8 KiB by default: a longer text would
// turn any error into RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxStatusMessageBytes = 4096;

grpc_status_code ToCoreCode(const absl::Status& status);
// The message, cut to kMaxStatusMessageBytes. The caller owns the slice.
grpc_slice StatusMessageSlice(const absl::Status& status);

// Codes that no absl::StatusCode has become UNKNOWN.
absl::Status FromCore(grpc_status_code code, absl::string_view message);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_STATUS_H_
