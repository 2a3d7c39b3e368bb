#include "platform/rpc/reflection/schema.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.pb.h"

namespace weft::rpc {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;

// "catalog.v1.Catalog/GetProduct" → "catalog.v1.Catalog".
std::string ServiceName(const MethodDescriptor& method) {
  const absl::string_view name = method.name();
  return std::string(name.substr(0, name.rfind('/')));
}

Schema::Files WithImports(const FileDescriptor& file) {
  Schema::Files files;
  std::vector<const FileDescriptor*> found = {&file};
  std::set<const FileDescriptor*> known = {&file};
  for (size_t next = 0; next < found.size(); ++next) {
    const FileDescriptor& current = *found[next];
    google::protobuf::FileDescriptorProto proto;
    current.CopyTo(&proto);
    files.push_back(proto.SerializeAsString());
    for (int i = 0; i < current.dependency_count(); ++i) {
      if (known.insert(current.dependency(i)).second) found.push_back(current.dependency(i));
    }
  }
  return files;
}

}  // namespace

Schema::Schema(const std::vector<Service*>& services, const google::protobuf::DescriptorPool* pool)
    : pool_(pool) {
  for (const Service* service : services) {
    for (const Service::Method& method : service->methods()) {
      services_.push_back(ServiceName(*method.descriptor));
    }
  }
  std::sort(services_.begin(), services_.end());
  services_.erase(std::unique(services_.begin(), services_.end()), services_.end());
}

absl::StatusOr<Schema::Files> Schema::FileByName(const std::string& name) const {
  const FileDescriptor* file = pool_->FindFileByName(name);
  if (file == nullptr) return absl::NotFoundError(absl::StrCat("no file \"", name, "\""));
  return WithImports(*file);
}

absl::StatusOr<Schema::Files> Schema::FileContainingSymbol(const std::string& symbol) const {
  const FileDescriptor* file = pool_->FindFileContainingSymbol(symbol);
  if (file == nullptr) return absl::NotFoundError(absl::StrCat("no symbol \"", symbol, "\""));
  return WithImports(*file);
}

absl::StatusOr<Schema::Files> Schema::FileContainingExtension(const std::string& extended,
                                                              int number) const {
  const Descriptor* message = pool_->FindMessageTypeByName(extended);
  if (message == nullptr) return absl::NotFoundError(absl::StrCat("no message \"", extended, "\""));
  const FieldDescriptor* extension = pool_->FindExtensionByNumber(message, number);
  if (extension == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no extension ", number, " of message \"", extended, "\""));
  }
  return WithImports(*extension->file());
}

absl::StatusOr<std::vector<int>> Schema::ExtensionNumbers(const std::string& extended) const {
  const Descriptor* message = pool_->FindMessageTypeByName(extended);
  if (message == nullptr) return absl::NotFoundError(absl::StrCat("no message \"", extended, "\""));
  std::vector<const FieldDescriptor*> extensions;
  pool_->FindAllExtensions(message, &extensions);
  std::vector<int> numbers;
  for (const FieldDescriptor* extension : extensions) numbers.push_back(extension->number());
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace weft::rpc
