// Stand-ins for calls that wait for time, threads, processes, disks and names. See
// blocking_calls.h.
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "platform/fiber/internal/blocking_monitor.h"
#include "platform/fiber/internal/interpose.h"

namespace weft::internal {
namespace {

void Blocks(const char* function) {
  if (FiberRecord* const fiber = BlockingMonitor::Watched()) {
    BlockingMonitor::Blocks(*fiber, function);
  }
}

bool IsZero(const timespec& duration) { return duration.tv_sec == 0 && duration.tv_nsec == 0; }

// For those who may not block, tries first: true when the semaphore was had.
bool TrySemaphore(sem_t* semaphore, const char* function) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber == nullptr) return false;
  if (sem_trywait(semaphore) == 0) return true;
  BlockingMonitor::Blocks(*fiber, function);
  return false;
}

}  // namespace

// --- Time --------------------------------------------------------------------------------------

WEFT_INTERPOSE(int, nanosleep, (const timespec* duration, timespec* left)) {
  if (!IsZero(*duration)) Blocks("nanosleep");
  return next_nanosleep(duration, left);
}

WEFT_INTERPOSE(int, clock_nanosleep,
               (clockid_t clock, int flags, const timespec* time, timespec* left)) {
  if (!IsZero(*time)) Blocks("clock_nanosleep");
  return next_clock_nanosleep(clock, flags, time, left);
}

WEFT_INTERPOSE(int, usleep, (useconds_t duration)) {
  if (duration != 0) Blocks("usleep");
  return next_usleep(duration);
}

WEFT_INTERPOSE(unsigned, sleep, (unsigned duration)) {
  if (duration != 0) Blocks("sleep");
  return next_sleep(duration);
}

// --- Threads -----------------------------------------------------------------------------------

// Version 2.2.5 of these is for programs from before 2003; dlsym() may well prefer it.
constexpr const char* kCondVersion = "GLIBC_2.3.2";

WEFT_INTERPOSE_VERSION(int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t* mutex),
                       kCondVersion) {
  Blocks("pthread_cond_wait");
  return next_pthread_cond_wait(condition, mutex);
}

WEFT_INTERPOSE_VERSION(int, pthread_cond_timedwait,
                       (pthread_cond_t * condition, pthread_mutex_t* mutex, const timespec* time),
                       kCondVersion) {
  Blocks("pthread_cond_timedwait");
  return next_pthread_cond_timedwait(condition, mutex, time);
}

WEFT_INTERPOSE(int, pthread_cond_clockwait,
               (pthread_cond_t * condition, pthread_mutex_t* mutex, clockid_t clock,
                const timespec* time)) {
  Blocks("pthread_cond_clockwait");
  return next_pthread_cond_clockwait(condition, mutex, clock, time);
}

WEFT_INTERPOSE(int, sem_wait, (sem_t * semaphore)) {
  return TrySemaphore(semaphore, "sem_wait") ? 0 : next_sem_wait(semaphore);
}

WEFT_INTERPOSE(int, sem_timedwait, (sem_t * semaphore, const timespec* time)) {
  return TrySemaphore(semaphore, "sem_timedwait") ? 0 : next_sem_timedwait(semaphore, time);
}

WEFT_INTERPOSE(int, sem_clockwait, (sem_t * semaphore, clockid_t clock, const timespec* time)) {
  return TrySemaphore(semaphore, "sem_clockwait") ? 0 : next_sem_clockwait(semaphore, clock, time);
}

WEFT_INTERPOSE(int, pthread_join, (pthread_t thread, void** result)) {
  if (FiberRecord* const fiber = BlockingMonitor::Watched()) {
    const int tried = pthread_tryjoin_np(thread, result);
    if (tried != EBUSY) return tried;
    BlockingMonitor::Blocks(*fiber, "pthread_join");
  }
  return next_pthread_join(thread, result);
}

// --- Processes ---------------------------------------------------------------------------------

WEFT_INTERPOSE(pid_t, wait4, (pid_t process, int* status, int options, rusage* usage)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && (options & WNOHANG) == 0) {
    const pid_t ended = next_wait4(process, status, options | WNOHANG, usage);
    if (ended != 0) return ended;
    BlockingMonitor::Blocks(*fiber, "wait4");
  }
  return next_wait4(process, status, options, usage);
}

WEFT_INTERPOSE(pid_t, waitpid, (pid_t process, int* status, int options)) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber != nullptr && (options & WNOHANG) == 0) {
    const pid_t ended = next_waitpid(process, status, options | WNOHANG);
    if (ended != 0) return ended;
    BlockingMonitor::Blocks(*fiber, "waitpid");
  }
  return next_waitpid(process, status, options);
}

WEFT_INTERPOSE(pid_t, wait, (int* status)) {
  if (FiberRecord* const fiber = BlockingMonitor::Watched()) {
    const pid_t ended = next_waitpid(-1, status, WNOHANG);
    if (ended != 0) return ended;
    BlockingMonitor::Blocks(*fiber, "wait");
  }
  return next_wait(status);
}

// --- Disks and names ---------------------------------------------------------------------------

WEFT_INTERPOSE(int, fsync, (int fd)) {
  Blocks("fsync");
  return next_fsync(fd);
}

WEFT_INTERPOSE(int, fdatasync, (int fd)) {
  Blocks("fdatasync");
  return next_fdatasync(fd);
}

WEFT_INTERPOSE(int, getaddrinfo,
               (const char* node, const char* service, const addrinfo* hints, addrinfo** result)) {
  if (FiberRecord* const fiber = BlockingMonitor::Watched()) {
    addrinfo numeric = {};
    if (hints != nullptr) numeric = *hints;
    const bool has_to_be_numeric = (numeric.ai_flags & AI_NUMERICHOST) != 0;
    numeric.ai_flags |= AI_NUMERICHOST;
    const int found = next_getaddrinfo(node, service, &numeric, result);
    if (found != EAI_NONAME || node == nullptr || has_to_be_numeric) return found;
    BlockingMonitor::Blocks(*fiber, "getaddrinfo");
  }
  return next_getaddrinfo(node, service, hints, result);
}

}  // namespace weft::internal
