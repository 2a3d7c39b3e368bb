// Names for the return addresses of a stack, for people: what FiberInfo::stack and a stall's stack
// are printed with.
#ifndef WEFT_PLATFORM_FIBER_STACK_TRACE_H_
#define WEFT_PLATFORM_FIBER_STACK_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace weft {

// Looks functions up in the symbol tables of the executable and its libraries, and remembers them:
// the first look at an address costs tens of microseconds and reads files, so do it on no shard.
// A stripped executable has no names but those it exports. Used by one thread at a time.
class Symbolizer {
 public:
  // "weft::SleepFor()"; "0x55d0c0ffee" where there is no name.
  const std::string& Name(uintptr_t return_address);

  // The names of a fiber's stack, innermost first, without the scheduler's own frames at both ends:
  // the first one is the call that parked.
  std::vector<std::string> FiberStack(const std::vector<uintptr_t>& stack);

 private:
  absl::flat_hash_map<uintptr_t, std::string> names_;
};

// Whether a function is one of the scheduler's own, on every fiber's stack and of no interest.
bool IsSchedulerFrame(absl::string_view name);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_STACK_TRACE_H_
