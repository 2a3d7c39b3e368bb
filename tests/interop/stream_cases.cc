#include <array>
#include <string>

#include "grpc/testing/test.weft.h"
#include "tests/interop/cases.h"
#include "tests/interop/expect.h"

namespace weft::interop {
namespace {

using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;
using grpc::testing::TestServiceClient;

constexpr std::array<int, 4> kRequestBytes = {27182, 8, 1828, 45904};
constexpr std::array<int, 4> kResponseBytes = {31415, 9, 2653, 58979};

StreamingOutputCallRequest DuplexRequest(int request_bytes, int response_bytes) {
  StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(response_bytes);
  request.mutable_payload()->set_body(std::string(static_cast<size_t>(request_bytes), '\0'));
  return request;
}

absl::Status ClientStreaming(Peer& peer) {
  auto requests = TestServiceClient(peer.channel).StreamingInputCall();
  int total = 0;
  for (const int bytes : kRequestBytes) {
    StreamingInputCallRequest request;
    request.mutable_payload()->set_body(std::string(static_cast<size_t>(bytes), '\0'));
    WEFT_INTEROP_TRY(Expect(requests.Write(request), "StreamingInputCall takes each request"));
    total += bytes;
  }
  const auto response = requests.Finish();
  if (!response.ok()) return response.status();
  return ExpectEqual("the aggregated size", response->aggregated_payload_size(), total);
}

absl::Status ServerStreaming(Peer& peer) {
  StreamingOutputCallRequest request;
  for (const int bytes : kResponseBytes) request.add_response_parameters()->set_size(bytes);
  auto responses = TestServiceClient(peer.channel).StreamingOutputCall(request);
  StreamingOutputCallResponse response;
  for (const int bytes : kResponseBytes) {
    WEFT_INTEROP_TRY(Expect(responses.Read(&response), "StreamingOutputCall sends all responses"));
    WEFT_INTEROP_TRY(ExpectPayload(response.payload().body(), bytes));
  }
  WEFT_INTEROP_TRY(Expect(!responses.Read(&response), "StreamingOutputCall sends no more"));
  return responses.Finish();
}

absl::Status PingPong(Peer& peer) {
  auto stream = TestServiceClient(peer.channel).FullDuplexCall();
  StreamingOutputCallResponse response;
  for (size_t i = 0; i < kRequestBytes.size(); ++i) {
    WEFT_INTEROP_TRY(Expect(stream.Write(DuplexRequest(kRequestBytes[i], kResponseBytes[i])),
                            "FullDuplexCall takes each request"));
    WEFT_INTEROP_TRY(Expect(stream.Read(&response), "FullDuplexCall answers each request"));
    WEFT_INTEROP_TRY(ExpectPayload(response.payload().body(), kResponseBytes[i]));
  }
  stream.WritesDone();
  WEFT_INTEROP_TRY(Expect(!stream.Read(&response), "FullDuplexCall sends no more"));
  return stream.Finish();
}

absl::Status HalfDuplex(Peer& peer) {
  auto stream = TestServiceClient(peer.channel).HalfDuplexCall();
  for (const int bytes : kResponseBytes) {
    StreamingOutputCallRequest request;
    request.add_response_parameters()->set_size(bytes);
    WEFT_INTEROP_TRY(Expect(stream.Write(request), "HalfDuplexCall takes each request"));
  }
  stream.WritesDone();
  StreamingOutputCallResponse response;
  for (const int bytes : kResponseBytes) {
    WEFT_INTEROP_TRY(Expect(stream.Read(&response), "HalfDuplexCall answers each request"));
    WEFT_INTEROP_TRY(ExpectPayload(response.payload().body(), bytes));
  }
  WEFT_INTEROP_TRY(Expect(!stream.Read(&response), "HalfDuplexCall sends no more"));
  return stream.Finish();
}

absl::Status EmptyStream(Peer& peer) {
  auto stream = TestServiceClient(peer.channel).FullDuplexCall();
  stream.WritesDone();
  StreamingOutputCallResponse response;
  WEFT_INTEROP_TRY(Expect(!stream.Read(&response), "FullDuplexCall sends nothing"));
  return stream.Finish();
}

absl::Status CancelAfterBegin(Peer& peer) {
  auto requests = TestServiceClient(peer.channel).StreamingInputCall();
  requests.Cancel();
  return ExpectCode("StreamingInputCall", requests.Finish().status(), absl::StatusCode::kCancelled);
}

absl::Status CancelAfterFirstResponse(Peer& peer) {
  auto stream = TestServiceClient(peer.channel).FullDuplexCall();
  WEFT_INTEROP_TRY(Expect(stream.Write(DuplexRequest(kRequestBytes[0], kResponseBytes[0])),
                          "FullDuplexCall takes the request"));
  StreamingOutputCallResponse response;
  WEFT_INTEROP_TRY(Expect(stream.Read(&response), "FullDuplexCall answers the request"));
  WEFT_INTEROP_TRY(ExpectPayload(response.payload().body(), kResponseBytes[0]));
  stream.Cancel();
  return ExpectCode("FullDuplexCall", stream.Finish(), absl::StatusCode::kCancelled);
}

absl::Status TimeoutOnSleepingServer(Peer& peer) {
  auto stream = TestServiceClient(peer.channel).FullDuplexCall({.timeout = absl::Milliseconds(1)});
  StreamingOutputCallRequest request;
  request.mutable_payload()->set_body(std::string(27182, '\0'));
  stream.Write(request);  // May already fail.
  StreamingOutputCallResponse response;
  WEFT_INTEROP_TRY(Expect(!stream.Read(&response), "FullDuplexCall sends no response"));
  return ExpectCode("FullDuplexCall", stream.Finish(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace

void AddStreamCases(Cases& cases) {
  cases["client_streaming"] = ClientStreaming;
  cases["server_streaming"] = ServerStreaming;
  cases["ping_pong"] = PingPong;
  cases["half_duplex"] = HalfDuplex;
  cases["empty_stream"] = EmptyStream;
  cases["cancel_after_begin"] = CancelAfterBegin;
  cases["cancel_after_first_response"] = CancelAfterFirstResponse;
  cases["timeout_on_sleeping_server"] = TimeoutOnSleepingServer;
}

}  // namespace weft::interop
