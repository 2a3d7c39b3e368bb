#include "platform/base/malloc_settings.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // They bring their own malloc.

namespace weft {
namespace {

// What stands for a message of 4 MB, as gRPC has it: parts that are all freed together.
constexpr size_t kPartBytes = 64 * 1024;
constexpr size_t kParts = 64;
constexpr int kMessages = 50;
// Whatever else takes a page meanwhile; pages given back would be 1,024 faults a message.
constexpr long kFewFaults = 1024;

long Faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void UseMessages(int count) {
  for (int i = 0; i < count; ++i) {
    std::vector<std::unique_ptr<char[]>> parts;
    for (size_t part = 0; part < kParts; ++part) {
      parts.emplace_back(new char[kPartBytes]);
      std::memset(parts.back().get(), i, kPartBytes);
    }
  }
}

long FaultsOfMessages() {
  UseMessages(1);
  const long before = Faults();
  UseMessages(kMessages);
  return Faults() - before;
}

// In this order: settings cannot be taken back.
TEST(MallocSettings, TheEnvironmentsAreLeftAlone) {
  setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=131072", 1);
  SetUpMalloc();
  unsetenv("GLIBC_TUNABLES");
  EXPECT_GT(FaultsOfMessages(), kMessages * kFewFaults / 2);
}

TEST(MallocSettings, LargeMessagesDoNotFaultTheirPagesInEachTime) {
  SetUpMalloc();
  EXPECT_LT(FaultsOfMessages(), kFewFaults);
}

}  // namespace
}  // namespace weft

#endif
