#include "platform/rpc/codegen/client_writer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/rpc/codegen/method_shape.h"
#include "platform/rpc/codegen/names.h"

namespace weft::rpc::codegen {
namespace {

using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

std::string ReturnType(const MethodShape& shape) {
  if (shape.client_streams && shape.server_streams) {
    return absl::StrCat("::weft::rpc::ClientStream<", shape.request, ", ", shape.reply, ">");
  }
  if (shape.client_streams) {
    return absl::StrCat("::weft::rpc::ClientWriter<", shape.request, ", ", shape.reply, ">");
  }
  if (shape.server_streams) return absl::StrCat("::weft::rpc::ClientReader<", shape.reply, ">");
  return absl::StrCat("::absl::StatusOr<", shape.reply, ">");
}

// What makes the return value, without its arguments.
std::string Maker(const MethodShape& shape) {
  const bool streams = shape.client_streams || shape.server_streams;
  return streams ? ReturnType(shape) : absl::StrCat("::weft::rpc::CallUnary<", shape.reply, ">");
}

std::vector<std::string> Parameters(const MethodShape& shape, absl::string_view default_options) {
  std::vector<std::string> parameters;
  if (!shape.client_streams)
    parameters.push_back(absl::StrCat("const ", shape.request, "& request"));
  parameters.push_back(absl::StrCat("const ::weft::rpc::CallOptions& options", default_options));
  return parameters;
}

}  // namespace

void DeclareClient(CodeWriter& out, const ServiceDescriptor& service) {
  const std::string client = ClientClass(service);
  if (WriteComment(out, service)) out.Line("//");
  out.Comment(
      " Client: a blocking stub. Its calls are made from fibers and park them; see\n"
      " platform/rpc/client/calls.h. Cheap to copy, and usable by all shards at once.");
  out.Line(absl::StrCat("class ", client, " {"));
  out.Line(" public:");
  out.SetIndent(2);
  out.Line(absl::StrCat("explicit ", client, "(std::shared_ptr<::weft::rpc::Channel> channel)"));
  out.Line("    : channel_(std::move(channel)) {}");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const MethodShape shape(method);
    out.Line();
    WriteComment(out, method);
    out.Function(ReturnType(shape), FunctionName(method), Parameters(shape, " = {}"), ") const;");
  }
  out.SetIndent(0);
  out.Line();
  out.Line(" private:");
  out.Line("  std::shared_ptr<::weft::rpc::Channel> channel_;");
  out.Line("};");
  out.Line();
}

void DefineClient(CodeWriter& out, const ServiceDescriptor& service) {
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const MethodShape shape(method);
    out.Function(ReturnType(shape), absl::StrCat(ClientClass(service), "::", FunctionName(method)),
                 Parameters(shape, ""), ") const {");
    out.SetIndent(2);
    std::vector<std::string> arguments = {
        "*channel_", absl::StrCat(MethodsStruct(service), "::", ConstantName(method))};
    if (!shape.client_streams) arguments.push_back("request");
    arguments.push_back("options");
    out.List(absl::StrCat("return ", Maker(shape), "("), arguments, ");");
    out.SetIndent(0);
    out.Line("}");
    out.Line();
  }
}

}  // namespace weft::rpc::codegen
