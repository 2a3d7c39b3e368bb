#include "tests/interop/test_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/fiber/fiber.h"

namespace weft::interop {
namespace {

using grpc::testing::Empty;
using grpc::testing::ResponseParameters;
using grpc::testing::SimpleRequest;
using grpc::testing::SimpleResponse;
using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingInputCallResponse;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;

constexpr int kMaxPayloadBytes = 64 * 1024 * 1024;

void EchoMetadata(CallContext& call) {
  for (const char* key : {"x-grpc-test-echo-initial"}) {
    if (const auto value = call.metadata().Find(key)) call.AddInitialMetadata(key, *value);
  }
  if (call.metadata().Find("x-grpc-test-echo-useragent").has_value()) {
    if (const auto agent = call.metadata().Find("user-agent")) {
      call.AddInitialMetadata("x-grpc-test-echo-useragent", *agent);
    }
  }
  constexpr absl::string_view kTrailing = "x-grpc-test-echo-trailing-bin";
  if (const auto value = call.metadata().Find(kTrailing)) {
    call.AddTrailingMetadata(kTrailing, *value);
  }
}

// OK where the request does not care, or came as it says.
template <typename Request>
absl::Status CheckCompression(const CallContext& call, const Request& request) {
  if (!request.has_expect_compressed()) return absl::OkStatus();
  const bool compressed = call.request_was_compressed();
  if (compressed == request.expect_compressed().value()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the request ", compressed ? "is" : "is not",
                                                 " compressed, and says that it is",
                                                 compressed ? " not" : ""));
}

template <typename Request>
absl::Status RequestedStatus(const Request& request) {
  if (!request.has_response_status() || request.response_status().code() == 0) {
    return absl::OkStatus();
  }
  return absl::Status(static_cast<absl::StatusCode>(request.response_status().code()),
                      request.response_status().message());
}

absl::Status FillPayload(int bytes, grpc::testing::Payload* payload) {
  if (bytes < 0 || bytes > kMaxPayloadBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a payload of ", bytes, " bytes: ask for 0 to ", kMaxPayloadBytes));
  }
  payload->set_body(std::string(static_cast<size_t>(bytes), '\0'));
  return absl::OkStatus();
}

absl::StatusOr<SimpleResponse> AnswerUnary(CallContext& call, const SimpleRequest& request) {
  EchoMetadata(call);
  if (absl::Status s = CheckCompression(call, request); !s.ok()) return s;
  if (absl::Status s = RequestedStatus(request); !s.ok()) return s;
  if (request.response_compressed().value()) call.CompressReplies();
  SimpleResponse response;
  if (absl::Status s = FillPayload(request.response_size(), response.mutable_payload()); !s.ok()) {
    return s;
  }
  return response;
}

void CompressIfAnyAsks(CallContext& call, const StreamingOutputCallRequest& request) {
  for (const ResponseParameters& wanted : request.response_parameters()) {
    if (wanted.compressed().value()) call.CompressReplies();
  }
}

absl::Status WriteResponses(const StreamingOutputCallRequest& request,
                            rpc::ServerWriter<StreamingOutputCallResponse>& responses) {
  for (const ResponseParameters& wanted : request.response_parameters()) {
    if (wanted.interval_us() > 0) {
      const absl::Duration interval = absl::Microseconds(wanted.interval_us());
      if (absl::Status s = weft::SleepFor(interval); !s.ok()) return s;
    }
    StreamingOutputCallResponse response;
    if (absl::Status s = FillPayload(wanted.size(), response.mutable_payload()); !s.ok()) return s;
    const rpc::WriteOptions options = {.compress = wanted.compressed().value()};
    if (absl::Status s = responses.Write(response, options); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Empty> TestService::EmptyCall(CallContext& call, const Empty&) {
  EchoMetadata(call);
  return Empty();
}

absl::StatusOr<SimpleResponse> TestService::UnaryCall(CallContext& call,
                                                      const SimpleRequest& request) {
  return AnswerUnary(call, request);
}

absl::StatusOr<SimpleResponse> TestService::CacheableUnaryCall(CallContext& call,
                                                               const SimpleRequest& request) {
  call.AddInitialMetadata("cache-control", "max-age=60, public");
  return AnswerUnary(call, request);
}

absl::Status TestService::StreamingOutputCall(
    CallContext& call, const StreamingOutputCallRequest& request,
    rpc::ServerWriter<StreamingOutputCallResponse>& responses) {
  EchoMetadata(call);
  CompressIfAnyAsks(call, request);
  if (absl::Status s = WriteResponses(request, responses); !s.ok()) return s;
  return RequestedStatus(request);
}

absl::StatusOr<StreamingInputCallResponse> TestService::StreamingInputCall(
    CallContext& call, rpc::ServerReader<StreamingInputCallRequest>& requests) {
  EchoMetadata(call);
  StreamingInputCallRequest request;
  int bytes = 0;
  while (requests.Read(&request)) {
    if (absl::Status s = CheckCompression(call, request); !s.ok()) return s;
    bytes += static_cast<int>(request.payload().body().size());
  }
  if (!requests.status().ok()) return requests.status();
  StreamingInputCallResponse response;
  response.set_aggregated_payload_size(bytes);
  return response;
}

absl::Status TestService::FullDuplexCall(
    CallContext& call,
    rpc::ServerStream<StreamingOutputCallRequest, StreamingOutputCallResponse>& stream) {
  EchoMetadata(call);
  StreamingOutputCallRequest request;
  while (stream.Read(&request)) {
    if (absl::Status s = RequestedStatus(request); !s.ok()) return s;
    CompressIfAnyAsks(call, request);
    if (absl::Status s = WriteResponses(request, stream); !s.ok()) return s;
  }
  return stream.status();
}

absl::Status TestService::HalfDuplexCall(
    CallContext& call,
    rpc::ServerStream<StreamingOutputCallRequest, StreamingOutputCallResponse>& stream) {
  EchoMetadata(call);
  std::vector<StreamingOutputCallRequest> requests;
  StreamingOutputCallRequest request;
  while (stream.Read(&request)) requests.push_back(request);
  if (!stream.status().ok()) return stream.status();
  for (const StreamingOutputCallRequest& buffered : requests) {
    if (absl::Status s = WriteResponses(buffered, stream); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace weft::interop
