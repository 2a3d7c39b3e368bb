// protoc-gen-weft: the protoc plugin behind `--weft_out=FOLDER`.
#include "google/protobuf/compiler/plugin.h"
#include "platform/rpc/codegen/generator.h"

int main(int argc, char** argv) {
  const weft::rpc::codegen::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
