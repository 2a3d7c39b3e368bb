#include "platform/rpc/server/call_stacks.h"

#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weft::rpc {

StackSize CallStacks::Of(const MethodDescriptor& method) const {
  if (const auto found = methods.find(method.name()); found != methods.end()) return found->second;
  return method.kind == MethodKind::kUnary ? unary : streaming;
}

absl::Status CallStacks::CheckMethods(const std::vector<Service*>& services) const {
  std::set<std::string> served;
  for (const Service* const service : services) {
    for (const Service::Method& method : service->methods()) {
      served.insert(method.descriptor->name());
    }
  }
  for (const auto& [method, size] : methods) {
    if (served.count(method) != 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("a stack is asked for calls of '", method,
                     "', which is not served here: methods are named as 'shop.v1.Shop/Get'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<CallStacks> ParseCallStacks(absl::string_view text) {
  CallStacks stacks;
  std::set<std::string> seen;
  for (const absl::string_view pair : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<std::string, std::string> sides =
        absl::StrSplit(absl::StripAsciiWhitespace(pair), absl::MaxSplits('=', 1));
    const std::string& kind = sides.first;
    const bool is_method = kind.find('/') != std::string::npos;
    const auto size = StackSizeNamed(sides.second);
    if (!size.has_value() || !(is_method || kind == "unary" || kind == "streaming")) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", pair,
          "' is no kind of call and its stack: write unary, streaming or a method such as "
          "shop.v1.Shop/Get, then = and one of default, small, large"));
    }
    if (!seen.insert(kind).second) {
      return absl::InvalidArgumentError(absl::StrCat("'", kind, "' is given two stacks"));
    }
    StackSize& of_kind = is_method         ? stacks.methods[kind]
                         : kind == "unary" ? stacks.unary
                                           : stacks.streaming;
    of_kind = *size;
  }
  return stacks;
}

}  // namespace weft::rpc
