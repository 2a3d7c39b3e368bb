// What an error tells beside its code: details for machines, and a text of its own for clients.
//
//   absl::Status status = absl::ResourceExhaustedError("too many orders");
//   weft::rpc::AddErrorDetail(status, retry_info);           // a google.rpc.RetryInfo, say
//   …
//   if (auto info = weft::rpc::FindErrorDetail<RetryInfo>(client.Order(request).status())) …
//
// Details travel as google.rpc.Status in the trailing metadata grpc-status-details-bin, as every
// gRPC implementation sends them (github.com/grpc/grpc, "richer error model"). They are payloads of
// the absl::Status whose type URL begins with type.googleapis.com/; others stay on this side. If
// they and the text, which they repeat, come to more than 6 KiB, the text goes alone: peers accept
// 8 KiB of headers.
//
// A status that a handler returns reaches the client with its message, but
// - INTERNAL, which is what exceptions, broken invariants and drivers become, says "internal
// error":
//   its text is for the server's log and span (ServerOptions::send_internal_messages);
// - the failure of a call that this server made to another one, UNAVAILABLE or DEADLINE_EXCEEDED,
//   names the method but neither addresses nor what the network said.
// WithPublicMessage() replaces the text that clients see.
#ifndef WEFT_PLATFORM_RPC_ERROR_DETAILS_H_
#define WEFT_PLATFORM_RPC_ERROR_DETAILS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft::rpc {

// The payload that WithPublicMessage() sets.
inline constexpr char kPublicMessageUrl[] = "weft.public_message";

// `Detail` is a Protobuf message. One of each type; a later one replaces it. No-op on OK.
template <typename Detail>
void AddErrorDetail(absl::Status& status, const Detail& detail) {
  status.SetPayload(
      absl::StrCat("type.googleapis.com/", std::string(Detail::descriptor()->full_name())),
      absl::Cord(detail.SerializeAsString()));
}

// Empty where there is none of that type, or it does not parse.
template <typename Detail>
std::optional<Detail> FindErrorDetail(const absl::Status& status) {
  const auto payload = status.GetPayload(
      absl::StrCat("type.googleapis.com/", std::string(Detail::descriptor()->full_name())));
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// The same status: `message` is what clients read, the rest of the server keeps reading its own.
absl::Status WithPublicMessage(absl::Status status, absl::string_view message);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ERROR_DETAILS_H_
