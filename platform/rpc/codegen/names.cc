#include "platform/rpc/codegen/names.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/compiler/cpp/names.h"

namespace weft::rpc::codegen {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

// C++20's keywords and alternative operators, and macros of the C library that are plain words.
constexpr absl::string_view kReservedWords[] = {
    "EOF",          "NULL",          "alignas",     "alignof",   "and",
    "and_eq",       "asm",           "assert",      "auto",      "bitand",
    "bitor",        "bool",          "break",       "case",      "catch",
    "char",         "char16_t",      "char32_t",    "char8_t",   "class",
    "co_await",     "co_return",     "co_yield",    "compl",     "concept",
    "const",        "const_cast",    "consteval",   "constexpr", "constinit",
    "continue",     "decltype",      "default",     "delete",    "do",
    "double",       "dynamic_cast",  "else",        "enum",      "errno",
    "explicit",     "export",        "extern",      "false",     "float",
    "for",          "friend",        "goto",        "if",        "inline",
    "int",          "linux",         "long",        "major",     "minor",
    "mutable",      "namespace",     "new",         "noexcept",  "not",
    "not_eq",       "nullptr",       "operator",    "or",        "or_eq",
    "private",      "protected",     "public",      "register",  "reinterpret_cast",
    "requires",     "return",        "short",       "signed",    "sizeof",
    "static",       "static_assert", "static_cast", "stderr",    "stdin",
    "stdout",       "struct",        "switch",      "template",  "this",
    "thread_local", "throw",         "true",        "try",       "typedef",
    "typeid",       "typename",      "union",       "unix",      "unsigned",
    "using",        "virtual",       "void",        "volatile",  "wchar_t",
    "while",        "xor",           "xor_eq",
};

bool IsReservedWord(absl::string_view word) {
  return std::find(std::begin(kReservedWords), std::end(kReservedWords), word) !=
         std::end(kReservedWords);
}

// Whether `name` means something else inside the service's classes than outside.
bool IsHidden(absl::string_view name, const ServiceDescriptor& service) {
  // Lower-case names are those of parameters; the others are members of weft::rpc::Service.
  if (!absl::ascii_isupper(static_cast<unsigned char>(name[0]))) return true;
  if (name == "AddMethod" || name == "Handler" || name == "Method" || name == "Service")
    return true;
  for (int i = 0; i < service.method_count(); ++i) {
    if (name == FunctionName(*service.method(i))) return true;
  }
  return false;
}

std::string SymbolBeside(const ServiceDescriptor& service, absl::string_view name) {
  const std::string& package = service.file()->package();
  return package.empty() ? std::string(name) : absl::StrCat(package, ".", name);
}

absl::Status CheckPackage(const FileDescriptor& file) {
  for (absl::string_view part : absl::StrSplit(file.package(), '.')) {
    if (!IsReservedWord(part)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "package \"", file.package(), "\" has the part \"", part,
        "\", which is no name in C++ (the messages would not compile either): rename the package"));
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const ServiceDescriptor& service) {
  for (const std::string& name :
       {HandlerClass(service), ClientClass(service), MethodsStruct(service)}) {
    const std::string symbol = SymbolBeside(service, name);
    const google::protobuf::DescriptorPool& pool = *service.file()->pool();
    const FileDescriptor* other = pool.FindFileContainingSymbol(symbol);
    // A service makes no C++ class of its own plain name.
    if (other == nullptr || pool.FindServiceByName(symbol) != nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("service \"", service.full_name(), "\" needs the C++ class ", name, ", but \"",
                     symbol, "\" is also declared in ", other->name(), ": rename one of them"));
  }
  return absl::OkStatus();
}

absl::Status CheckMethods(const ServiceDescriptor& service) {
  std::map<std::string, std::string> method_by_function;
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    auto [other, added] = method_by_function.emplace(FunctionName(method), method.name());
    if (added) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "service \"", service.full_name(), "\": the methods ", other->second, " and ",
        method.name(), " would both become the C++ function ", other->first, ": rename one"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string NamespaceOf(const FileDescriptor& file) {
  return absl::StrReplaceAll(file.package(), {{".", "::"}});
}

std::string MessageType(const Descriptor& message, const ServiceDescriptor& service) {
  const std::string name = google::protobuf::compiler::cpp::ClassName(&message);
  if (message.file()->package() == service.file()->package() && !IsHidden(name, service)) {
    return name;
  }
  const std::string space = NamespaceOf(*message.file());
  return absl::StrCat("::", space, space.empty() ? "" : "::", name);
}

std::string HandlerClass(const ServiceDescriptor& service) {
  return absl::StrCat(service.name(), "Handler");
}

std::string ClientClass(const ServiceDescriptor& service) {
  return absl::StrCat(service.name(), "Client");
}

std::string MethodsStruct(const ServiceDescriptor& service) {
  return absl::StrCat(service.name(), "Methods");
}

std::string FunctionName(const MethodDescriptor& method) {
  const ServiceDescriptor& service = *method.service();
  const std::string& name = method.name();
  const bool taken = IsReservedWord(name) || name == HandlerClass(service) ||
                     name == ClientClass(service) || name == MethodsStruct(service) ||
                     name == "channel_";
  return taken ? absl::StrCat(name, "_") : name;
}

std::string ConstantName(const MethodDescriptor& method) {
  return absl::StrCat("k", method.name());
}

std::string IncludeGuard(absl::string_view file_name) {
  std::string guard = "WEFT_GENERATED_";
  for (const char c : file_name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      guard.push_back(c);
    } else {
      absl::StrAppendFormat(&guard, "_%02x", static_cast<unsigned char>(c));
    }
  }
  return guard;
}

absl::Status CheckNames(const FileDescriptor& file) {
  if (file.service_count() == 0) return absl::OkStatus();
  if (absl::Status s = CheckPackage(file); !s.ok()) return s;
  for (int i = 0; i < file.service_count(); ++i) {
    if (absl::Status s = CheckClasses(*file.service(i)); !s.ok()) return s;
    if (absl::Status s = CheckMethods(*file.service(i)); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace weft::rpc::codegen
