// Protobuf messages in and out of gRPC's byte buffers.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_BYTE_BUFFER_H_
#define WEFT_PLATFORM_RPC_INTERNAL_BYTE_BUFFER_H_

#include <grpc/byte_buffer.h>

#include <memory>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"

namespace weft::rpc::internal {

struct ByteBufferDeleter {
  void operator()(grpc_byte_buffer* buffer) const { grpc_byte_buffer_destroy(buffer); }
};
using ByteBuffer = std::unique_ptr<grpc_byte_buffer, ByteBufferDeleter>;

// INTERNAL naming the message type when the bytes are no such message, or not valid UTF-8 where
// they must be.
absl::Status ParseMessage(grpc_byte_buffer& buffer, google::protobuf::MessageLite* message);

// Fails with INTERNAL for a message of 2 GiB or more, Protobuf's limit.
absl::Status SerializeMessage(const google::protobuf::MessageLite& message, ByteBuffer* buffer);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_BYTE_BUFFER_H_
