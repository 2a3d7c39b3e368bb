// The server's half of a service: its method descriptors and its handler base class.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_HANDLER_WRITER_H_
#define WEFT_PLATFORM_RPC_CODEGEN_HANDLER_WRITER_H_

#include "google/protobuf/descriptor.h"
#include "platform/rpc/codegen/code_writer.h"

namespace weft::rpc::codegen {

// The struct of descriptors, which the client uses too.
void DeclareMethods(CodeWriter& out, const google::protobuf::ServiceDescriptor& service);
void DeclareHandler(CodeWriter& out, const google::protobuf::ServiceDescriptor& service);
void DefineHandler(CodeWriter& out, const google::protobuf::ServiceDescriptor& service);

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_HANDLER_WRITER_H_
