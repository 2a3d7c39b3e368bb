#include "platform/fiber/stack_trace.h"

#include <algorithm>

#include "absl/debugging/symbolize.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weft {

bool IsSchedulerFrame(absl::string_view name) {
  // The switch and what leads to it, at the inner end; what every fiber starts with, at the outer.
  static constexpr absl::string_view kPrefixes[] = {
      "jump_fcontext",
      "ontop_fcontext",
      "make_fcontext",
      "boost::context::",
      "boost::fibers::",
      "std::__invoke",
      "weft::internal::BlockingMonitor::",
      "weft::internal::BoostScheduler::",
      "weft::internal::Shard::",
      "weft::internal::Park()",
      "weft::internal::ParkUncancellable()",
      "weft::internal::TaskNode::Run()",
  };
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [name](absl::string_view prefix) { return absl::StartsWith(name, prefix); });
}

const std::string& Symbolizer::Name(uintptr_t return_address) {
  const auto [found, added] = names_.try_emplace(return_address);
  if (added) {
    char name[512];
    // The call is the instruction before the address it returns to, which may be the next function.
    const auto* const call = reinterpret_cast<const void*>(return_address - 1);
    found->second = absl::Symbolize(call, name, sizeof(name))
                        ? std::string(name)
                        : absl::StrCat("0x", absl::Hex(return_address));
  }
  return found->second;
}

std::vector<std::string> Symbolizer::FiberStack(const std::vector<uintptr_t>& stack) {
  std::vector<std::string> names;
  for (const uintptr_t address : stack) {
    const std::string& name = Name(address);
    if (names.empty() && IsSchedulerFrame(name)) continue;
    names.push_back(name);
  }
  // Past the entry of the fiber there is nothing but Boost's entry code.
  while (!names.empty() &&
         (IsSchedulerFrame(names.back()) || absl::StartsWith(names.back(), "0x"))) {
    names.pop_back();
  }
  return names;
}

}  // namespace weft
