#include "platform/rpc/metadata.h"

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/rpc/internal/slices.h"

namespace weft::rpc {

absl::Status Metadata::Validate() const {
  for (const auto& [key, value] : entries_) {
    if ((absl::StartsWith(key, "grpc-") && key != kRetryPushbackKey) ||
        absl::StartsWith(key, ":")) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata key '", key, "' is reserved by gRPC"));
    }
    const grpc_slice key_slice = internal::UnownedSlice(key);
    if (grpc_header_key_is_legal(key_slice) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "metadata key '", key, "' has characters other than a-z, 0-9, '-', '_' and '.'"));
    }
    if (grpc_is_binary_header(key_slice) == 0 &&
        grpc_header_nonbin_value_is_legal(internal::UnownedSlice(value)) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the value of metadata key '", key,
          "' has bytes other than printable ASCII: end the key in '-bin' to send any bytes"));
    }
  }
  return absl::OkStatus();
}

absl::string_view MetadataView::key(size_t i) const { return internal::View(entries_[i].key); }
absl::string_view MetadataView::value(size_t i) const { return internal::View(entries_[i].value); }

std::optional<absl::string_view> Metadata::Find(absl::string_view wanted) const {
  for (const auto& [key, value] : entries_) {
    if (key == wanted) return value;
  }
  return std::nullopt;
}

std::optional<absl::string_view> MetadataView::Find(absl::string_view wanted) const {
  for (size_t i = 0; i < count_; ++i) {
    if (key(i) == wanted) return value(i);
  }
  return std::nullopt;
}

std::vector<absl::string_view> MetadataView::FindAll(absl::string_view wanted) const {
  std::vector<absl::string_view> values;
  for (size_t i = 0; i < count_; ++i) {
    if (key(i) == wanted) values.push_back(value(i));
  }
  return values;
}

Metadata MetadataView::Copy() const {
  Metadata copy;
  for (size_t i = 0; i < count_; ++i) copy.Add(key(i), value(i));
  return copy;
}

}  // namespace weft::rpc
