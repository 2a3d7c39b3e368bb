// The options of a method in the .proto, as the initializer of a weft::rpc::MethodOptions.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_OPTIONS_WRITER_H_
#define WEFT_PLATFORM_RPC_CODEGEN_OPTIONS_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"

namespace weft::rpc::codegen {

// Errors: INVALID_ARGUMENT names the method whose options contradict each other.
absl::Status CheckOptions(const google::protobuf::FileDescriptor& file);

// ".default_timeout = ::absl::Milliseconds(500)" and so on, in the order of the members; only what
// differs from the defaults.
std::vector<std::string> OptionInitializers(const google::protobuf::MethodDescriptor& method);

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_OPTIONS_WRITER_H_
