#include "platform/rpc/internal/status.h"

#include "absl/strings/match.h"
#include "platform/rpc/error_details.h"
#include "platform/rpc/status_details.pb.h"

namespace weft::rpc::internal {
namespace {

std::string PublicMessage(const absl::Status& status, bool send_internal_messages) {
  if (const auto message = status.GetPayload(kPublicMessageUrl)) return std::string(*message);
  if (status.code() == absl::StatusCode::kInternal && !send_internal_messages) {
    return "internal error: the server's log and trace tell more";
  }
  return std::string(status.message());
}

std::string Details(const absl::Status& status, const std::string& message) {
  StatusDetails details;
  status.ForEachPayload([&details](absl::string_view url, const absl::Cord& payload) {
    if (!absl::StartsWith(url, "type.googleapis.com/")) return;
    google::protobuf::Any* const detail = details.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
  });
  if (details.details().empty()) return {};
  details.set_code(ToCoreCode(status));
  details.set_message(message);
  std::string bytes = details.SerializeAsString();
  if (bytes.size() + message.size() > kMaxStatusDetailsBytes) bytes.clear();
  return bytes;
}

}  // namespace

SentStatus ToSent(const absl::Status& status, bool send_internal_messages) {
  if (status.ok()) return {};
  SentStatus sent = {.code = ToCoreCode(status),
                     .message = PublicMessage(status, send_internal_messages)};
  if (sent.message.size() > kMaxStatusMessageBytes) sent.message.resize(kMaxStatusMessageBytes);
  sent.details = Details(status, sent.message);
  return sent;
}

grpc_status_code ToCoreCode(const absl::Status& status) {
  return static_cast<grpc_status_code>(status.code());
}

absl::Status FromCore(grpc_status_code code, absl::string_view message) {
  if (code == GRPC_STATUS_OK) return absl::OkStatus();
  const bool known = code > GRPC_STATUS_OK && code <= GRPC_STATUS_UNAUTHENTICATED;
  return {known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown, message};
}

void AddReceivedDetails(absl::string_view details, absl::Status* status) {
  StatusDetails parsed;
  if (!parsed.ParseFromArray(details.data(), static_cast<int>(details.size()))) return;
  for (const google::protobuf::Any& detail : parsed.details()) {
    if (!absl::StartsWith(detail.type_url(), "type.googleapis.com/")) continue;
    status->SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
}

}  // namespace weft::rpc::internal
