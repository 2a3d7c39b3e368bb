// The one place where statuses cross between Abseil and gRPC. Their codes have the same numbers by
// design (absl/status/status.h, "canonical error codes").
#ifndef WEFT_PLATFORM_RPC_INTERNAL_STATUS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_STATUS_H_

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weft::rpc::internal {

// A status travels in HTTP/2 headers, of which peers accept 8 KiB by default: a longer text would
// turn any error into RESOURCE_EXHAUSTED. With details, which repeat the text, both share that.
inline constexpr size_t kMaxStatusMessageBytes = 4096;
inline constexpr size_t kMaxStatusDetailsBytes = 6144;  // and the message beside them

inline constexpr char kDetailsKey[] = "grpc-status-details-bin";

// What a client is told of a handler's status.
struct SentStatus {
  grpc_status_code code = GRPC_STATUS_OK;
  std::string message = {};  // cut to kMaxStatusMessageBytes
  std::string details = {};  // the value of kDetailsKey; empty: none
};
SentStatus ToSent(const absl::Status& status, bool send_internal_messages);

grpc_status_code ToCoreCode(const absl::Status& status);

// Codes that no absl::StatusCode has become UNKNOWN.
absl::Status FromCore(grpc_status_code code, absl::string_view message);
// Adds the details that came along: the value of kDetailsKey. What does not parse is left out.
void AddReceivedDetails(absl::string_view details, absl::Status* status);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_STATUS_H_
