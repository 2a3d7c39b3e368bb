#include "platform/fiber/internal/thread_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace weft::internal {

int64_t CpuNanos(clockid_t clock) {
  timespec used{};
  if (clock_gettime(clock, &used) != 0) return 0;
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

ThreadState StateOfThread(pid_t id) {
  char text[512];
  std::snprintf(text, sizeof(text), "/proc/self/task/%d/stat", static_cast<int>(id));
  const int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ThreadState::kAsleep;
  const ssize_t length = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (length <= 0) return ThreadState::kAsleep;
  text[length] = '\0';
  // The name, in brackets, may hold brackets itself.
  const char* const name_end = std::strrchr(text, ')');
  const bool runnable = name_end != nullptr && std::strncmp(name_end, ") R", 3) == 0;
  return runnable ? ThreadState::kRunnable : ThreadState::kAsleep;
}

}  // namespace weft::internal
