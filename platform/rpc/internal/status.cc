#include "platform/rpc/internal/status.h"

namespace weft::rpc::internal {

grpc_status_code ToCoreCode(const absl::Status& status) {
  return static_cast<grpc_status_code>(status.code());
}

grpc_slice StatusMessageSlice(const absl::Status& status) {
  const absl::string_view message = status.message().substr(0, kMaxStatusMessageBytes);
  if (message.empty()) return grpc_empty_slice();
  return grpc_slice_from_copied_buffer(message.data(), message.size());
}

absl::Status FromCore(grpc_status_code code, absl::string_view message) {
  if (code == GRPC_STATUS_OK) return absl::OkStatus();
  const bool known = code > GRPC_STATUS_OK && code <= GRPC_STATUS_UNAUTHENTICATED;
  return {known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown, message};
}

}  // namespace weft::rpc::internal
