// OutgoingMetadata: metadata that a handler adds, kept until it is sent. Most calls add none, and
// then it costs a pointer.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_METADATA_H_
#define WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_METADATA_H_

#include <grpc/grpc.h>

#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/rpc/internal/slices.h"
#include "platform/rpc/metadata.h"

namespace weft::rpc::internal {

class OutgoingMetadata {
 public:
  OutgoingMetadata() = default;
  ~OutgoingMetadata() { clear(); }
  OutgoingMetadata(const OutgoingMetadata&) = delete;
  OutgoingMetadata& operator=(const OutgoingMetadata&) = delete;

  void Add(absl::string_view key, absl::string_view value) {
    if (added_ == nullptr) added_ = std::make_unique<Added>();
    added_->entries.Add(key, value);
  }
  // See Metadata::Validate().
  absl::Status Validate() const {
    return added_ == nullptr ? absl::OkStatus() : added_->entries.Validate();
  }
  // What gRPC sends; good until clear(). Called once.
  std::span<grpc_metadata> ToCore() {
    if (added_ == nullptr) return {};
    added_->core = internal::ToCore(added_->entries);
    return added_->core;
  }
  void clear() {
    if (added_ == nullptr) return;
    ReleaseMetadata(added_->core);
    added_.reset();
  }

 private:
  struct Added {
    Metadata entries;
    std::vector<grpc_metadata> core;
  };
  std::unique_ptr<Added> added_;
};

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_OUTGOING_METADATA_H_
