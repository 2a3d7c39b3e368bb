// grpc.testing.TestService on fibers: the server's half of gRPC's interoperability tests
// (github.com/grpc/grpc, doc/interop-test-descriptions.md).
#ifndef WEFT_TESTS_INTEROP_TEST_SERVICE_H_
#define WEFT_TESTS_INTEROP_TEST_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpc/testing/test.weft.h"

namespace weft::interop {

// UnimplementedCall is left as generated.
class TestService final : public grpc::testing::TestServiceHandler {
 public:
  absl::StatusOr<grpc::testing::Empty> EmptyCall(CallContext& call,
                                                 const grpc::testing::Empty& request) override;
  absl::StatusOr<grpc::testing::SimpleResponse> UnaryCall(
      CallContext& call, const grpc::testing::SimpleRequest& request) override;
  absl::StatusOr<grpc::testing::SimpleResponse> CacheableUnaryCall(
      CallContext& call, const grpc::testing::SimpleRequest& request) override;
  absl::Status StreamingOutputCall(
      CallContext& call, const grpc::testing::StreamingOutputCallRequest& request,
      rpc::ServerWriter<grpc::testing::StreamingOutputCallResponse>& responses) override;
  absl::StatusOr<grpc::testing::StreamingInputCallResponse> StreamingInputCall(
      CallContext& call,
      rpc::ServerReader<grpc::testing::StreamingInputCallRequest>& requests) override;
  absl::Status FullDuplexCall(
      CallContext& call,
      rpc::ServerStream<grpc::testing::StreamingOutputCallRequest,
                        grpc::testing::StreamingOutputCallResponse>& stream) override;
  absl::Status HalfDuplexCall(
      CallContext& call,
      rpc::ServerStream<grpc::testing::StreamingOutputCallRequest,
                        grpc::testing::StreamingOutputCallResponse>& stream) override;
};

}  // namespace weft::interop

#endif  // WEFT_TESTS_INTEROP_TEST_SERVICE_H_
