// The client's half of a service: its blocking stub.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_CLIENT_WRITER_H_
#define WEFT_PLATFORM_RPC_CODEGEN_CLIENT_WRITER_H_

#include "google/protobuf/descriptor.h"
#include "platform/rpc/codegen/code_writer.h"

namespace weft::rpc::codegen {

void DeclareClient(CodeWriter& out, const google::protobuf::ServiceDescriptor& service);
void DefineClient(CodeWriter& out, const google::protobuf::ServiceDescriptor& service);

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_CLIENT_WRITER_H_
