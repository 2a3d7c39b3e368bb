// What the kernel knows of a thread of this process: CPU time and state.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_THREAD_USAGE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_THREAD_USAGE_H_

#include <sys/types.h>
#include <time.h>

#include <cstdint>

#include "platform/fiber/internal/stall_tracker.h"

namespace weft::internal {

// By the clock that pthread_getcpuclockid() gives for the thread; one system call.
int64_t CpuNanos(clockid_t clock);

// From /proc/self/task/<id>/stat (proc(5), field "state"): some 10 µs. A thread that cannot be
// asked about counts as asleep.
ThreadState StateOfThread(pid_t id);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_THREAD_USAGE_H_
