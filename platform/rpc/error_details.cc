#include "platform/rpc/error_details.h"

namespace weft::rpc {

absl::Status WithPublicMessage(absl::Status status, absl::string_view message) {
  status.SetPayload(kPublicMessageUrl, absl::Cord(message));
  return status;
}

}  // namespace weft::rpc
