// What a load generator sends: one unary method and one request, the same for every call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace weft::load {

struct Workload {
  // "/package.Service/Method".
  std::string path;
  // The request message as it goes over the wire.
  std::string request;
  // The size of each reply on the wire, where it is known; another size counts as an error.
  std::optional<size_t> reply_bytes;
};

struct WorkloadOptions {
  // Of Say's message.
  int64_t payload_bytes = 32;
  // How long the server waits in Sleep.
  int64_t sleep_ms = 1000;
  // A file with the serialized request of a method given by its path.
  std::string request_file;
};

// `method` is "say" or "sleep" of bench.v1.Echo, or any unary method by its path
// ("/storefront.v1.Storefront/GetPage"), whose request is read from options.request_file (without
// one it is empty). To add a name, add it to the table in workload.cc.
//
// Blocks for the file. InvalidArgument: an unknown name, or a negative option; NotFound: no file.
absl::StatusOr<Workload> MakeWorkload(const std::string& method, const WorkloadOptions& options);

}  // namespace weft::load
