#include "platform/rpc/internal/message_compression.h"

#include <grpc/impl/codegen/compression_types.h>

#include <cstdint>

#include "platform/rpc/internal/slices.h"

// In libgrpc, declared in a header that is not installed (src/core/lib/surface/call_test_only.h).
// There is no other way to learn what a message's flag on the wire was.
uint32_t grpc_call_test_only_get_message_flags(grpc_call* call);

namespace weft::rpc::internal {
namespace {

// GRPC_WRITE_INTERNAL_TEST_ONLY_WAS_COMPRESSED and GRPC_WRITE_INTERNAL_COMPRESS of gRPC's
// src/core/lib/transport/transport.h: the first is left where gRPC has decompressed the message.
constexpr uint32_t kWasCompressed = 0x40000000U | 0x80000000U;

}  // namespace

grpc_metadata CompressionRequest(Compression compression) {
  grpc_metadata entry = {};
  entry.key = UnownedSlice(GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY);
  entry.value = UnownedSlice(compression == Compression::kGzip ? "gzip" : "deflate");
  return entry;
}

bool LastMessageWasCompressed(grpc_call* call) {
  return (grpc_call_test_only_get_message_flags(call) & kWasCompressed) != 0;
}

}  // namespace weft::rpc::internal
