#include "platform/observability/testing/fake_call.h"

#include <grpc/slice.h>

namespace weft::observability {

FakeCall::FakeCall(const rpc::MethodDescriptor& method,
                   std::vector<std::pair<std::string, std::string>> metadata,
                   int64_t deadline_nanos)
    : entries_(std::move(metadata)),
      scope_(deadline_nanos, method.name()),
      requested_method_(method.path) {
  method_ = &method;
  for (const auto& [key, value] : entries_) {
    grpc_metadata entry = {};
    entry.key = grpc_slice_from_static_buffer(key.data(), key.size());
    entry.value = grpc_slice_from_static_buffer(value.data(), value.size());
    core_entries_.push_back(entry);
  }
}

}  // namespace weft::observability
