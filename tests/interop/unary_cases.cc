#include <string>

#include "grpc/testing/test.weft.h"
#include "tests/interop/cases.h"
#include "tests/interop/expect.h"

namespace weft::interop {
namespace {

using grpc::testing::Empty;
using grpc::testing::SimpleRequest;
using grpc::testing::SimpleResponse;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;
using grpc::testing::TestServiceClient;
using grpc::testing::UnimplementedServiceClient;

constexpr int kRequestBytes = 271828;
constexpr int kResponseBytes = 314159;
constexpr int kUnknownCode = 2;

SimpleRequest LargeRequest() {
  SimpleRequest request;
  request.set_response_size(kResponseBytes);
  request.mutable_payload()->set_body(std::string(kRequestBytes, '\0'));
  return request;
}

absl::Status EmptyUnary(Peer& peer) {
  return TestServiceClient(peer.channel).EmptyCall(Empty()).status();
}

absl::Status LargeUnary(Peer& peer) {
  const auto response = TestServiceClient(peer.channel).UnaryCall(LargeRequest());
  if (!response.ok()) return response.status();
  return ExpectPayload(response->payload().body(), kResponseBytes);
}

absl::Status CacheableUnary(Peer& peer) {
  SimpleRequest request;
  request.mutable_payload()->set_body("1234567890");
  rpc::CallOptions options;
  options.metadata.Add("x-user-ip", "1.2.3.4");
  TestServiceClient stub(peer.channel);
  const auto first = stub.CacheableUnaryCall(request, options);
  if (!first.ok()) return first.status();
  const auto second = stub.CacheableUnaryCall(request, options);
  if (!second.ok()) return second.status();
  return ExpectEqual("the second response's payload", second->payload().body(),
                     first->payload().body());
}

// Both a unary call and a stream must end with this status.
absl::Status ExpectStatusBack(Peer& peer, const std::string& message) {
  TestServiceClient stub(peer.channel);
  SimpleRequest request;
  request.mutable_response_status()->set_code(kUnknownCode);
  request.mutable_response_status()->set_message(message);
  const absl::Status unary = stub.UnaryCall(request).status();
  WEFT_INTEROP_TRY(ExpectCode("UnaryCall", unary, absl::StatusCode::kUnknown));
  return ExpectEqual("the status message", std::string(unary.message()), message);
}

absl::Status StatusCodeAndMessage(Peer& peer) {
  const std::string message = "test status message";
  WEFT_INTEROP_TRY(ExpectStatusBack(peer, message));
  StreamingOutputCallRequest request;
  request.mutable_response_status()->set_code(kUnknownCode);
  request.mutable_response_status()->set_message(message);
  auto stream = TestServiceClient(peer.channel).FullDuplexCall();
  WEFT_INTEROP_TRY(Expect(stream.Write(request), "FullDuplexCall takes the request"));
  stream.WritesDone();
  StreamingOutputCallResponse response;
  WEFT_INTEROP_TRY(Expect(!stream.Read(&response), "FullDuplexCall sends no response"));
  const absl::Status status = stream.Finish();
  WEFT_INTEROP_TRY(ExpectCode("FullDuplexCall", status, absl::StatusCode::kUnknown));
  return ExpectEqual("the status message", std::string(status.message()), message);
}

absl::Status SpecialStatusMessage(Peer& peer) {
  return ExpectStatusBack(
      peer, "\t\ntest with whitespace\r\nand Unicode BMP \u263A and non-BMP \U0001F608\t\n");
}

absl::Status UnimplementedMethod(Peer& peer) {
  return ExpectCode("UnimplementedCall",
                    TestServiceClient(peer.channel).UnimplementedCall(Empty()).status(),
                    absl::StatusCode::kUnimplemented);
}

absl::Status UnimplementedService(Peer& peer) {
  return ExpectCode("UnimplementedService",
                    UnimplementedServiceClient(peer.channel).UnimplementedCall(Empty()).status(),
                    absl::StatusCode::kUnimplemented);
}

absl::Status ExpectEntry(const rpc::Metadata& metadata, const std::string& key,
                         const std::string& value) {
  for (const auto& [got_key, got_value] : metadata.entries()) {
    if (got_key == key) return ExpectEqual(key.c_str(), got_value, value);
  }
  return absl::InternalError(absl::StrCat("there is no metadata ", key));
}

absl::Status CustomMetadata(Peer& peer) {
  const std::string initial_key = "x-grpc-test-echo-initial";
  const std::string initial_value = "test_initial_metadata_value";
  const std::string trailing_key = "x-grpc-test-echo-trailing-bin";
  const std::string trailing_value = "\x0a\x0b\x0a\x0b\x0a\x0b";
  rpc::Metadata initial;
  rpc::Metadata trailing;
  const rpc::CallOptions options = {
      .metadata = {{initial_key, initial_value}, {trailing_key, trailing_value}},
      .initial_metadata = &initial,
      .trailing_metadata = &trailing};
  TestServiceClient stub(peer.channel);
  const auto response = stub.UnaryCall(LargeRequest(), options);
  if (!response.ok()) return response.status();
  WEFT_INTEROP_TRY(ExpectEntry(initial, initial_key, initial_value));
  WEFT_INTEROP_TRY(ExpectEntry(trailing, trailing_key, trailing_value));

  initial.clear();
  trailing.clear();
  StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(kResponseBytes);
  request.mutable_payload()->set_body(std::string(kRequestBytes, '\0'));
  auto stream = stub.FullDuplexCall(options);
  WEFT_INTEROP_TRY(Expect(stream.Write(request), "FullDuplexCall takes the request"));
  stream.WritesDone();
  StreamingOutputCallResponse streamed;
  WEFT_INTEROP_TRY(Expect(stream.Read(&streamed), "FullDuplexCall sends a response"));
  WEFT_INTEROP_TRY(Expect(!stream.Read(&streamed), "FullDuplexCall sends one response only"));
  WEFT_INTEROP_TRY(stream.Finish());
  WEFT_INTEROP_TRY(ExpectEntry(initial, initial_key, initial_value));
  return ExpectEntry(trailing, trailing_key, trailing_value);
}

}  // namespace

void AddUnaryCases(Cases& cases) {
  cases["empty_unary"] = EmptyUnary;
  cases["large_unary"] = LargeUnary;
  cases["cacheable_unary"] = CacheableUnary;
  cases["status_code_and_message"] = StatusCodeAndMessage;
  cases["special_status_message"] = SpecialStatusMessage;
  cases["unimplemented_method"] = UnimplementedMethod;
  cases["unimplemented_service"] = UnimplementedService;
  cases["custom_metadata"] = CustomMetadata;
}

}  // namespace weft::interop
