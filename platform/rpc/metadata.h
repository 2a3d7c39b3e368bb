// Metadata: the key-value pairs (HTTP headers) that go with a call, in both directions.
//
// Keys are lower-case ASCII letters, digits, '-', '_' and '.'; a key that ends in "-bin" carries
// arbitrary bytes, others printable ASCII; "grpc-" is reserved (gRPC's protocol page
// PROTOCOL-HTTP2.md, "Custom-Metadata"), but for kRetryPushbackKey. A key may occur more than once.
#ifndef WEFT_PLATFORM_RPC_METADATA_H_
#define WEFT_PLATFORM_RPC_METADATA_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct grpc_metadata;

namespace weft::rpc {

// Of a server's trailing metadata: in how many milliseconds the client may come again; negative:
// not at all (rpc/client/retry.h).
inline constexpr char kRetryPushbackKey[] = "grpc-retry-pushback-ms";

// What this side sends. A plain value.
class Metadata {
 public:
  Metadata() = default;
  Metadata(std::initializer_list<std::pair<std::string, std::string>> entries)
      : entries_(entries) {}

  // The entry is checked when the call is sent: INVALID_ARGUMENT names a bad key or value.
  void Add(absl::string_view key, absl::string_view value) {
    entries_.emplace_back(std::string(key), std::string(value));
  }
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }
  // The first value of `key`; nullopt where there is none.
  std::optional<absl::string_view> Find(absl::string_view key) const;
  bool empty() const { return entries_.empty(); }
  void clear() { entries_.clear(); }

  // OK, or INVALID_ARGUMENT naming the first entry that gRPC would refuse.
  absl::Status Validate() const;

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

// What the other side sent: a view into memory of the call, valid as long as the call.
class MetadataView {
 public:
  MetadataView() = default;
  MetadataView(const grpc_metadata* entries, size_t count) : entries_(entries), count_(count) {}

  size_t size() const { return count_; }
  absl::string_view key(size_t i) const;
  absl::string_view value(size_t i) const;
  // The first value of `key`; nullopt where there is none.
  std::optional<absl::string_view> Find(absl::string_view key) const;
  std::vector<absl::string_view> FindAll(absl::string_view key) const;
  // A copy that outlives the call.
  Metadata Copy() const;

 private:
  const grpc_metadata* entries_ = nullptr;
  size_t count_ = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_METADATA_H_
