// Calls that block the thread of a fiber, and so every fiber of its shard: found while they are
// made, in programs that link //platform/fiber:blocking_calls. These are all tests of code on
// fibers (by //platform/fiber/testing) and all services (by //platform/app), but not in builds
// with --config=opt, where nothing is left of it, and not under a sanitizer, which has to stand
// in the same place: between the program and the C library.
//
// Found on a fiber:
//
//   sleeps               nanosleep, clock_nanosleep, usleep, sleep
//   waits for files      poll, ppoll, select, pselect, epoll_wait, epoll_pwait, with nothing ready
//   I/O                  read, readv, recv, recvfrom, recvmsg, accept, accept4, write, writev,
//                        send, sendto, sendmsg, on a socket or pipe that is not O_NONBLOCK and not
//                        ready; connect over TCP; fsync, fdatasync; getaddrinfo of a name
//   waits for others     pthread_cond_*wait, sem_*wait, pthread_join, wait, waitpid, wait4 that
//                        have to wait; absl::CondVar, Notification, BlockingCounter, Mutex::Await
//   locks                a pthread or Abseil mutex, or a pthread read-write lock, that took longer
//                        than a millisecond to get
//   parks with a lock    a fiber that parks, yields or ends while it holds such a lock: another
//                        fiber of the shard would wait for it with the very thread that has to
//                        release it
//
// Each is told to RuntimeObserver::OnBlockingCall; its stack only the first time, for one place
// that blocks may do so often. A service logs it, counts it in weft_blocking_calls_found_total, and
// adds an event to the call's span.
//
// Not found: what is not listed, such as reading and writing regular files; system calls by
// syscall(2) or from within the C library (stdio, system, getpwnam); other waits on futexes
// (std::call_once, std::atomic::wait); locks taken with a time limit by Abseil, or by a read-write
// lock of pthread; spinning, and what computes. For these there is the watchdog (stall_report.h).
//
// Off fibers, that is on plain threads, in posts, timers and pollers of a shard's loop, and on the
// threads of a BlockingPool, all of it may be called.
#ifndef WEFT_PLATFORM_FIBER_BLOCKING_CALLS_H_
#define WEFT_PLATFORM_FIBER_BLOCKING_CALLS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weft {

// Permits what is known to be short, or the lesser evil: as long as one lives, calls of its fiber
// are not reported. Say why, at the place:
//
//   const weft::AllowBlockingCalls allow;  // At start-up only: nobody is served yet.
//   fsync(fd);
//
// Costs an increment, in all builds. Must end on the fiber it began on; off fibers it does nothing.
class AllowBlockingCalls {
 public:
  AllowBlockingCalls();
  ~AllowBlockingCalls();
  AllowBlockingCalls(const AllowBlockingCalls&) = delete;
  AllowBlockingCalls& operator=(const AllowBlockingCalls&) = delete;

 private:
  int16_t* const allowed_;  // of the fiber; null off fibers
};

enum class BlockingCallKind {
  kBlocks,         // reported before it blocks
  kWaitsForLock,   // reported once the fiber has that lock no more; depends on other threads
  kParksWithLock,  // the fiber parks, yields or ends while it holds a lock of its thread
};

// "blocks", "waits_for_lock", "parks_with_lock".
absl::string_view BlockingCallKindName(BlockingCallKind kind);

struct BlockingCall {
  BlockingCallKind kind = BlockingCallKind::kBlocks;
  std::string function = {};  // "nanosleep"
  int shard = 0;
  uint64_t fiber_id = 0;
  std::string fiber_name = {};  // what was spawned: a method's name for a call
  std::string trace_id = {};    // from RuntimeObserver::DescribeFiber; empty: none
  int64_t nanos = 0;            // of kWaitsForLock: how long
  int locks = 0;                // of kParksWithLock: how many it holds
  // One with the same stack was told before in this process, or 1000 others were: no stack.
  bool repeated = false;
  std::vector<std::string> stack = {};  // names, innermost first
};

// For people: a line that says who called what, then a line for each function.
std::string ToString(const BlockingCall& call);

// Where all reports go instead of to the observer, none of them as a repeated one; null: to the
// observer. For tests. Called on the fiber, whose own blocking calls are not reported meanwhile.
// Returns the one before. Any thread.
using BlockingCallHandler = void (*)(const BlockingCall& call);
BlockingCallHandler SetBlockingCallHandler(BlockingCallHandler handler);

// Whether this program finds them. Any thread.
bool BlockingCallsAreWatched();

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_BLOCKING_CALLS_H_
