// MethodShape: which of the four kinds a method is, and what that makes of it in C++.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_METHOD_SHAPE_H_
#define WEFT_PLATFORM_RPC_CODEGEN_METHOD_SHAPE_H_

#include <string>

#include "google/protobuf/descriptor.h"
#include "platform/rpc/codegen/code_writer.h"

namespace weft::rpc::codegen {

struct MethodShape {
  explicit MethodShape(const google::protobuf::MethodDescriptor& method);

  bool client_streams;
  bool server_streams;
  // "Unary", "ServerStreaming", "ClientStreaming", "Bidirectional": the ends of MethodKind's
  // enumerators and of the Handle… functions.
  std::string kind;
  std::string request;  // "GetProductRequest", "::google::protobuf::Empty"
  std::string reply;
};

// The comment that the .proto has on a service or method, and whether it is deprecated there.
// Returns whether anything was written.
bool WriteComment(CodeWriter& out, const google::protobuf::ServiceDescriptor& service);
bool WriteComment(CodeWriter& out, const google::protobuf::MethodDescriptor& method);

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_METHOD_SHAPE_H_
