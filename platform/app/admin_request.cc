#include "platform/app/admin_request.h"

#include <civetweb.h>

#include <vector>

#include "absl/strings/str_split.h"

namespace weft::app {
namespace {

std::string Decode(absl::string_view text) {
  std::string decoded(text.size() + 1, '\0');
  const int length = mg_url_decode(text.data(), static_cast<int>(text.size()), decoded.data(),
                                   static_cast<int>(decoded.size()), /*is_form_url_encoded=*/1);
  if (length < 0) return std::string(text);
  decoded.resize(static_cast<size_t>(length));
  return decoded;
}

}  // namespace

const std::string& AdminRequest::Parameter(const std::string& name) const {
  static const std::string kNone;
  const auto found = query.find(name);
  return found == query.end() ? kNone : found->second;
}

std::map<std::string, std::string> ParseQuery(absl::string_view query) {
  std::map<std::string, std::string> parameters;
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    parameters[Decode(pair.first)] = Decode(pair.second);
  }
  return parameters;
}

}  // namespace weft::app
