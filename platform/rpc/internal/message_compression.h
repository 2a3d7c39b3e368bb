// How gRPC is told to compress, and tells that a message was.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_MESSAGE_COMPRESSION_H_
#define WEFT_PLATFORM_RPC_INTERNAL_MESSAGE_COMPRESSION_H_

#include <grpc/grpc.h>

#include "platform/rpc/compression.h"

namespace weft::rpc::internal {

// Initial metadata that gRPC takes out and obeys. Static slices: releasing them does nothing.
grpc_metadata CompressionRequest(Compression compression);

// Of the last message that `call` has received.
bool LastMessageWasCompressed(grpc_call* call);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_MESSAGE_COMPRESSION_H_
