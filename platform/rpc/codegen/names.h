// The C++ names that protoc-gen-weft gives to what a .proto file declares, and the names it
// refuses.
//
// Types of other packages are written fully qualified from the root ("::catalog::v1::Product",
// "::absl::Status"): a package that has "weft" or "absl" among its parts changes nothing.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_NAMES_H_
#define WEFT_PLATFORM_RPC_CODEGEN_NAMES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace weft::rpc::codegen {

// "catalog::v1"; empty without a package.
std::string NamespaceOf(const google::protobuf::FileDescriptor& file);

// A request or reply type as written in the classes of `service`: "Product" in its own package,
// unless a member of these classes hides the name; else "::catalog::v1::Product". Nested messages
// as protoc names them: "Product_Price".
std::string MessageType(const google::protobuf::Descriptor& message,
                        const google::protobuf::ServiceDescriptor& service);

// The classes made for the service "Catalog".
std::string HandlerClass(const google::protobuf::ServiceDescriptor& service);   // CatalogHandler
std::string ClientClass(const google::protobuf::ServiceDescriptor& service);    // CatalogClient
std::string MethodsStruct(const google::protobuf::ServiceDescriptor& service);  // CatalogMethods

// The member function of both classes: the method's name, with '_' behind it where C++ or the
// classes themselves need the plain name.
std::string FunctionName(const google::protobuf::MethodDescriptor& method);

// "kGetProduct": the name as it is spelt in the .proto, behind a k.
std::string ConstantName(const google::protobuf::MethodDescriptor& method);

// One to one, as protoc does it: "a/b.proto" → "WEFT_GENERATED_a_2fb_2eproto".
std::string IncludeGuard(absl::string_view file_name);

// INVALID_ARGUMENT telling what to rename when the file's services would make C++ that does not
// compile: a package part that is a C++ keyword (protoc's own output fails there too), a class that
// is also a message, enum or package, two methods with one function name.
absl::Status CheckNames(const google::protobuf::FileDescriptor& file);

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_NAMES_H_
