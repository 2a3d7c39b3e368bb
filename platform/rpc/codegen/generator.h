// Generator: what protoc-gen-weft makes of a .proto file. README.md shows the mapping.
//
// For a.proto it writes a.weft.h and a.weft.cc, always both, so that a build rule can name its
// outputs without reading the file; without a service they are empty but for their heading.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_GENERATOR_H_
#define WEFT_PLATFORM_RPC_CODEGEN_GENERATOR_H_

#include <string>

#include "google/protobuf/compiler/code_generator.h"
#include "google/protobuf/descriptor.h"

namespace weft::rpc::codegen {

class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  // False, with the reason in `*error`, for any `parameter` (there are none) and for names that
  // make no C++ (names.h: CheckNames).
  bool Generate(const google::protobuf::FileDescriptor* file, const std::string& parameter,
                google::protobuf::compiler::GeneratorContext* context,
                std::string* error) const override;

  // proto3 `optional` fields need nothing here; without the flag protoc refuses such files.
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
};

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_GENERATOR_H_
