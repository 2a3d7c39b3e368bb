// Metadata, a line each: "key: value".
#include "platform/rpc/metadata.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "platform/base/check.h"
#include "platform/rpc/internal/channel_retries.h"
#include "platform/rpc/internal/slices.h"

namespace weft::rpc {
namespace {

// The rules of metadata.h, written out.
bool IsKey(absl::string_view key) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !key.empty() && std::all_of(key.begin(), key.end(), good) &&
         (!absl::StartsWith(key, "grpc-") || key == kRetryPushbackKey);
}

bool IsEntry(absl::string_view key, absl::string_view value) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  return IsKey(key) && ((absl::EndsWith(key, "-bin") && key.size() > 4) ||  // gRPC's rule
                        std::all_of(value.begin(), value.end(), printable));
}

void CheckValidate(const Metadata& metadata) {
  const auto bad =
      std::find_if(metadata.entries().begin(), metadata.entries().end(),
                   [](const auto& entry) { return !IsEntry(entry.first, entry.second); });
  const absl::Status valid = metadata.Validate();
  Check(valid.ok() == (bad == metadata.entries().end()), "metadata is good if its rules hold");
  if (valid.ok()) return;
  Check(absl::IsInvalidArgument(valid), "bad metadata is INVALID_ARGUMENT");
  Check(absl::StrContains(valid.message(), absl::StrCat("metadata key '", bad->first, "'")),
        "the error names the first bad key");
}

void CheckView(const Metadata& metadata) {
  std::vector<grpc_metadata> core = internal::ToCore(metadata);
  const MetadataView view(core.data(), core.size());
  Check(view.Copy().entries() == metadata.entries(), "what is sent is what is received");
  for (const auto& [key, value] : metadata.entries()) {
    Check(view.Find(key) == metadata.Find(key), "both sides find the same");
    const std::vector<absl::string_view> all = view.FindAll(key);
    Check(!all.empty() && all[0] == view.Find(key), "the first value is one of all");
    Check(std::find(all.begin(), all.end(), value) != all.end(), "no value is left out");
  }
  internal::ReleaseMetadata(core);
}

void CheckPushback(absl::string_view value) {
  const auto wait = internal::ParsePushback(value);
  const bool is_number = !value.empty() && value.size() <= 18 &&
                         std::all_of(value.begin(), value.end(), absl::ascii_isdigit);
  if (is_number) {
    Check(wait.has_value() && absl::StrCat(absl::ToInt64Milliseconds(*wait)) ==
                                  absl::StrCat(std::stoll(std::string(value))),
          "a number is so many milliseconds");
  }
  const bool may_be_one = value.find_first_not_of("0123456789") == absl::string_view::npos;
  if (!may_be_one) Check(!wait.has_value(), "anything else means: not again");
  if (wait.has_value()) Check(*wait >= absl::ZeroDuration(), "a wait is not negative");
}

void TestInput(absl::string_view input) {
  Metadata metadata;
  for (const absl::string_view line : absl::StrSplit(input, '\n')) {
    const std::pair<absl::string_view, absl::string_view> entry =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    metadata.Add(entry.first, entry.second);
    if (entry.first == kRetryPushbackKey) CheckPushback(entry.second);
  }
  CheckValidate(metadata);
  CheckView(metadata);
}

}  // namespace
}  // namespace weft::rpc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::rpc::TestInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
