// Schema: what a server can tell about itself: its services, and the .proto files behind them. The
// answers of the reflection protocol without the protocol.
#ifndef WEFT_PLATFORM_RPC_REFLECTION_SCHEMA_H_
#define WEFT_PLATFORM_RPC_REFLECTION_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "platform/rpc/server/service.h"

namespace weft::rpc {

// Immutable and thread-safe. No call parks; the first look-up of a file parses it under the pool's
// own lock, which takes a fraction of a millisecond a file and happens once a process.
class Schema {
 public:
  // "catalog.v1.Catalog" of each service that has methods, sorted, each once. `pool` outlives this.
  explicit Schema(const std::vector<Service*>& services,
                  const google::protobuf::DescriptorPool* pool =
                      google::protobuf::DescriptorPool::generated_pool());

  const std::vector<std::string>& services() const { return services_; }

  // Serialized FileDescriptorProtos: the file asked for, then every file it imports, directly or
  // not, each once. NOT_FOUND names what was asked for.
  using Files = std::vector<std::string>;
  absl::StatusOr<Files> FileByName(const std::string& name) const;
  // `symbol`: a package-qualified message, enum, enum value, field, extension, service or method.
  absl::StatusOr<Files> FileContainingSymbol(const std::string& symbol) const;
  absl::StatusOr<Files> FileContainingExtension(const std::string& extended, int number) const;

  // The numbers of all known extensions of the message, ascending. NOT_FOUND names it.
  absl::StatusOr<std::vector<int>> ExtensionNumbers(const std::string& extended) const;

 private:
  const google::protobuf::DescriptorPool* const pool_;
  std::vector<std::string> services_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_REFLECTION_SCHEMA_H_
