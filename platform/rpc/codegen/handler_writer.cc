#include "platform/rpc/codegen/handler_writer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/rpc/codegen/method_shape.h"
#include "platform/rpc/codegen/names.h"
#include "platform/rpc/codegen/options_writer.h"

namespace weft::rpc::codegen {
namespace {

using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

struct Parameter {
  std::string type;
  std::string name;
};

std::string ReturnType(const MethodShape& shape) {
  return shape.server_streams ? "::absl::Status"
                              : absl::StrCat("::absl::StatusOr<", shape.reply, ">");
}

std::vector<Parameter> Parameters(const MethodShape& shape) {
  std::vector<Parameter> parameters = {{"::weft::CallContext&", "call"}};
  if (shape.client_streams && shape.server_streams) {
    parameters.push_back(
        {absl::StrCat("::weft::rpc::ServerStream<", shape.request, ", ", shape.reply, ">&"),
         "stream"});
  } else if (shape.client_streams) {
    parameters.push_back(
        {absl::StrCat("::weft::rpc::ServerReader<", shape.request, ">&"), "requests"});
  } else {
    parameters.push_back({absl::StrCat("const ", shape.request, "&"), "request"});
    if (shape.server_streams) {
      parameters.push_back(
          {absl::StrCat("::weft::rpc::ServerWriter<", shape.reply, ">&"), "replies"});
    }
  }
  return parameters;
}

void DefineConstructor(CodeWriter& out, const ServiceDescriptor& service) {
  const std::string handler = HandlerClass(service);
  if (service.method_count() == 0) {
    out.Line(absl::StrCat(handler, "::", handler, "() {}"));
    out.Line();
    return;
  }
  out.Line(absl::StrCat(handler, "::", handler, "() {"));
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const MethodShape shape(method);
    out.SetIndent(2);
    // Qualified, because a method of the service may be called AddMethod as well.
    out.Line("::weft::rpc::Service::AddMethod(");
    out.SetIndent(6);
    out.Line(absl::StrCat(MethodsStruct(service), "::", ConstantName(method), ","));
    out.Line("[](::weft::rpc::Service& service, ::weft::rpc::ServerCall& call) {");
    out.SetIndent(8);
    out.List(absl::StrCat("return ::weft::rpc::Handle", shape.kind, "<"),
             {shape.request, shape.reply}, ">(");
    out.SetIndent(12);
    out.Line("call, [&service](auto&... arguments) {");
    out.SetIndent(14);
    out.List(
        absl::StrCat("return static_cast<", handler, "&>(service).", FunctionName(method), "("),
        {"arguments..."}, ");");
    out.SetIndent(12);
    out.Line("});");
    out.SetIndent(6);
    out.Line("});");
  }
  out.SetIndent(0);
  out.Line("}");
  out.Line();
}

void DeclareMethod(CodeWriter& out, const ServiceDescriptor& service,
                   const MethodDescriptor& method) {
  const std::vector<std::string> options = OptionInitializers(method);
  out.List(
      absl::StrCat("static constexpr ::weft::rpc::MethodDescriptor ", ConstantName(method), " = {"),
      {absl::StrCat("\"/", service.full_name(), "/", method.name(), "\""),
       absl::StrCat("::weft::rpc::MethodKind::k", MethodShape(method).kind)},
      options.empty() ? "};" : ",");
  if (options.empty()) return;
  out.SetIndent(6);
  for (size_t i = 0; i < options.size(); ++i) {
    out.Line(absl::StrCat(i == 0 ? "{" : " ", options[i], i + 1 == options.size() ? "}};" : ","));
  }
  out.SetIndent(2);
}

}  // namespace

void DeclareMethods(CodeWriter& out, const ServiceDescriptor& service) {
  out.Comment(absl::StrCat(" The methods of ", service.full_name(), "."));
  out.Line(absl::StrCat("struct ", MethodsStruct(service), " {"));
  out.SetIndent(2);
  out.Line(absl::StrCat("static constexpr const char* full_name() { return \"", service.full_name(),
                        "\"; }"));
  if (service.method_count() > 0) out.Line();
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    DeclareMethod(out, service, method);
  }
  out.SetIndent(0);
  out.Line("};");
  out.Line();
}

void DeclareHandler(CodeWriter& out, const ServiceDescriptor& service) {
  if (WriteComment(out, service)) out.Line("//");
  out.Comment(
      " Handler: derive from it and override the methods served; the others answer UNIMPLEMENTED.\n"
      " Each call runs on a fiber of its own, many at once and on all shards.");
  out.Line(absl::StrCat("class ", HandlerClass(service), " : public ::weft::rpc::Service {"));
  out.Line(" public:");
  out.SetIndent(2);
  out.Line(absl::StrCat(HandlerClass(service), "();"));
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const MethodShape shape(method);
    std::vector<std::string> parameters;
    for (const Parameter& parameter : Parameters(shape)) {
      parameters.push_back(absl::StrCat(parameter.type, " ", parameter.name));
    }
    out.Line();
    WriteComment(out, method);
    out.Function(absl::StrCat("virtual ", ReturnType(shape)), FunctionName(method), parameters,
                 ");");
  }
  out.SetIndent(0);
  out.Line("};");
  out.Line();
}

void DefineHandler(CodeWriter& out, const ServiceDescriptor& service) {
  DefineConstructor(out, service);
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const MethodShape shape(method);
    std::vector<std::string> parameters;
    for (const Parameter& parameter : Parameters(shape)) {
      parameters.push_back(absl::StrCat(parameter.type, " /*", parameter.name, "*/"));
    }
    out.Function(ReturnType(shape), absl::StrCat(HandlerClass(service), "::", FunctionName(method)),
                 parameters, ") {");
    out.SetIndent(2);
    out.Line(absl::StrCat("return ::weft::rpc::UnimplementedMethod(", MethodsStruct(service),
                          "::", ConstantName(method), ");"));
    out.SetIndent(0);
    out.Line("}");
    out.Line();
  }
}

}  // namespace weft::rpc::codegen
