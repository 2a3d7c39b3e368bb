// Check: for our own invariants, never for input. A broken one ends the process with a message that
// names the place, since going on would do harm of unknown extent. Bad input gets an absl::Status.
#ifndef WEFT_PLATFORM_BASE_CHECK_H_
#define WEFT_PLATFORM_BASE_CHECK_H_

#include <source_location>

namespace weft {

[[noreturn]] void CheckFailed(const char* message, const std::source_location& where);

// `message` tells what the caller must do instead, such as "Wait() belongs to the fiber that made
// the group".
inline void Check(bool holds, const char* message,
                  const std::source_location& where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    CheckFailed(message, where);
}

}  // namespace weft

#endif  // WEFT_PLATFORM_BASE_CHECK_H_
