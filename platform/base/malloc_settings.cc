#include "platform/base/malloc_settings.h"

#include <malloc.h>

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace weft {
namespace {

absl::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? absl::string_view() : value;
}

}  // namespace

void SetUpMalloc() {
  if (!Environment("MALLOC_TRIM_THRESHOLD_").empty() ||
      !Environment("MALLOC_MMAP_THRESHOLD_").empty() ||
      absl::StrContains(Environment("GLIBC_TUNABLES"), "glibc.malloc.")) {
    return;
  }
  mallopt(M_TRIM_THRESHOLD, kMallocKeptBytes);
  mallopt(M_MMAP_THRESHOLD, kMallocMappedBytes);
}

}  // namespace weft
