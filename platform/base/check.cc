#include "platform/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace weft {

void CheckFailed(const char* message, const std::source_location& where) {
  std::fprintf(stderr, "weft: %s (%s:%u in %s)\n", message, where.file_name(), where.line(),
               where.function_name());
  std::abort();
}

}  // namespace weft
