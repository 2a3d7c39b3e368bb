#include <string>

#include "grpc/testing/test.weft.h"
#include "tests/interop/cases.h"
#include "tests/interop/expect.h"

namespace weft::interop {
namespace {

using grpc::testing::SimpleRequest;
using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;
using grpc::testing::TestServiceClient;
using rpc::Compression;

SimpleRequest UnaryRequest(bool expect_compressed) {
  SimpleRequest request;
  request.mutable_expect_compressed()->set_value(expect_compressed);
  request.set_response_size(314159);
  request.mutable_payload()->set_body(std::string(271828, '\0'));
  return request;
}

// First a lie, which a server that checks refuses.
absl::Status ClientCompressedUnary(Peer& peer) {
  TestServiceClient stub(peer.channel);
  WEFT_INTEROP_TRY(ExpectCode("a call that lies", stub.UnaryCall(UnaryRequest(true)).status(),
                              absl::StatusCode::kInvalidArgument));
  for (const bool compressed : {true, false}) {
    const auto response =
        stub.UnaryCall(UnaryRequest(compressed),
                       {.compression = compressed ? Compression::kGzip : Compression::kNone});
    if (!response.ok()) return response.status();
    WEFT_INTEROP_TRY(ExpectPayload(response->payload().body(), 314159));
  }
  return absl::OkStatus();
}

absl::Status ServerCompressedUnary(Peer& peer) {
  TestServiceClient stub(peer.channel);
  for (const bool compressed : {true, false}) {
    SimpleRequest request;
    request.mutable_response_compressed()->set_value(compressed);
    request.set_response_size(314159);
    request.mutable_payload()->set_body(std::string(271828, '\0'));
    bool was_compressed = false;
    const auto response = stub.UnaryCall(request, {.reply_was_compressed = &was_compressed});
    if (!response.ok()) return response.status();
    WEFT_INTEROP_TRY(ExpectEqual("the response's compression", was_compressed, compressed));
    WEFT_INTEROP_TRY(ExpectPayload(response->payload().body(), 314159));
  }
  return absl::OkStatus();
}

StreamingInputCallRequest InputRequest(size_t bytes, bool expect_compressed) {
  StreamingInputCallRequest request;
  request.mutable_expect_compressed()->set_value(expect_compressed);
  request.mutable_payload()->set_body(std::string(bytes, '\0'));
  return request;
}

absl::Status ClientCompressedStreaming(Peer& peer) {
  TestServiceClient stub(peer.channel);
  auto lie = stub.StreamingInputCall();
  lie.Write(InputRequest(27182, true));  // The server may have refused it already.
  WEFT_INTEROP_TRY(
      ExpectCode("a call that lies", lie.Finish().status(), absl::StatusCode::kInvalidArgument));
  auto requests = stub.StreamingInputCall({.compression = Compression::kGzip});
  WEFT_INTEROP_TRY(Expect(requests.Write(InputRequest(27182, true)),
                          "StreamingInputCall takes a compressed request"));
  WEFT_INTEROP_TRY(Expect(requests.Write(InputRequest(45904, false), {.compress = false}),
                          "StreamingInputCall takes a request that is not compressed"));
  const auto response = requests.Finish();
  if (!response.ok()) return response.status();
  return ExpectEqual("the aggregated size", response->aggregated_payload_size(), 27182 + 45904);
}

absl::Status ServerCompressedStreaming(Peer& peer) {
  StreamingOutputCallRequest request;
  auto* const first = request.add_response_parameters();
  first->mutable_compressed()->set_value(true);
  first->set_size(31415);
  auto* const second = request.add_response_parameters();
  second->mutable_compressed()->set_value(false);
  second->set_size(92653);
  bool was_compressed = false;
  auto responses = TestServiceClient(peer.channel)
                       .StreamingOutputCall(request, {.reply_was_compressed = &was_compressed});
  StreamingOutputCallResponse response;
  for (const auto& wanted : request.response_parameters()) {
    WEFT_INTEROP_TRY(Expect(responses.Read(&response), "StreamingOutputCall sends two responses"));
    WEFT_INTEROP_TRY(
        ExpectEqual("the response's compression", was_compressed, wanted.compressed().value()));
    WEFT_INTEROP_TRY(ExpectPayload(response.payload().body(), wanted.size()));
  }
  WEFT_INTEROP_TRY(Expect(!responses.Read(&response), "StreamingOutputCall sends no more"));
  return responses.Finish();
}

}  // namespace

void AddCompressionCases(Cases& cases) {
  cases["client_compressed_unary"] = ClientCompressedUnary;
  cases["server_compressed_unary"] = ServerCompressedUnary;
  cases["client_compressed_streaming"] = ClientCompressedStreaming;
  cases["server_compressed_streaming"] = ServerCompressedStreaming;
}

}  // namespace weft::interop
