// The trailing metadata grpc-status-details-bin of a reply: a google.rpc.Status.
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/rpc/internal/status.h"

namespace weft::rpc::internal {
namespace {

std::map<std::string, std::string> Payloads(const absl::Status& status) {
  std::map<std::string, std::string> payloads;
  status.ForEachPayload([&payloads](absl::string_view url, const absl::Cord& payload) {
    payloads[std::string(url)] = std::string(payload);
  });
  return payloads;
}

void TestInput(absl::string_view input) {
  absl::Status received = absl::NotFoundError("no such product");
  AddReceivedDetails(input, &received);
  Check(absl::IsNotFound(received) && received.message() == "no such product",
        "code and text are those of the status, not of its details");
  const std::map<std::string, std::string> payloads = Payloads(received);
  for (const auto& [url, payload] : payloads) {
    Check(absl::StartsWith(url, "type.googleapis.com/"), "a detail is a Protobuf message");
  }

  const SentStatus sent = ToSent(received, /*send_internal_messages=*/false);
  Check(sent.code == GRPC_STATUS_NOT_FOUND && sent.message == "no such product",
        "a status is handed on");
  Check(sent.details.size() + sent.message.size() <= kMaxStatusDetailsBytes,
        "what is sent fits into headers");
  if (sent.details.empty()) return;  // none, or too long
  absl::Status again = FromCore(sent.code, sent.message);
  AddReceivedDetails(sent.details, &again);
  Check(Payloads(again) == payloads, "details are handed on as they came");

  absl::Status fine;
  AddReceivedDetails(input, &fine);
  Check(fine.ok(), "OK stays OK");
}

}  // namespace
}  // namespace weft::rpc::internal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::rpc::internal::TestInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
