// Views between gRPC's slices and strings, and metadata in the form gRPC sends it.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_SLICES_H_
#define WEFT_PLATFORM_RPC_INTERNAL_SLICES_H_

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/rpc/metadata.h"

namespace weft::rpc::internal {

// A slice that points into `text`, which must outlive it.
inline grpc_slice UnownedSlice(absl::string_view text) {
  return grpc_slice_from_static_buffer(text.data(), text.size());
}

inline absl::string_view View(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

// `metadata`, to be sent: the slices are gRPC's own copies, released by ReleaseMetadata().
inline std::vector<grpc_metadata> ToCore(const Metadata& metadata) {
  std::vector<grpc_metadata> core;
  core.reserve(metadata.entries().size());
  for (const auto& [key, value] : metadata.entries()) {
    grpc_metadata entry = {};
    entry.key = grpc_slice_from_copied_buffer(key.data(), key.size());
    entry.value = grpc_slice_from_copied_buffer(value.data(), value.size());
    core.push_back(entry);
  }
  return core;
}

inline void ReleaseMetadata(std::vector<grpc_metadata>& core) {
  for (const grpc_metadata& entry : core) {
    grpc_slice_unref(entry.key);
    grpc_slice_unref(entry.value);
  }
  core.clear();
}

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_SLICES_H_
