// CpuProfiles: where the process spends its CPU time, for pprof (Google's and Go's): a file in the
// format of gperftools' CPU profiler, version 0 (its cpuprofile-fileformat.html): stacks with their
// numbers of samples, then the executable's and the libraries' places in memory.
//
//   CpuProfiles profiles;
//   absl::StatusOr<std::string> bytes = profiles.Take({.duration = absl::Seconds(30)});
//
// How samples are taken, on which threads, and what that does to them: fiber/cpu_sampler.h. A
// sample takes 7 to 23 us, by the depth of its stack (fiber_benchmark's cpu_sample): at 100 a
// second of CPU time 0.2 % of that time, and nothing while no profile is taken.
//
// There are no heap profiles: they need an allocator that notes who allocates (tcmalloc), and
// malloc is the C library's.
#ifndef WEFT_PLATFORM_OBSERVABILITY_PROFILING_CPU_PROFILE_H_
#define WEFT_PLATFORM_OBSERVABILITY_PROFILING_CPU_PROFILE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"

namespace weft::observability {

inline constexpr absl::Duration kMinProfile = absl::Seconds(1);
inline constexpr absl::Duration kMaxProfile = absl::Seconds(300);
inline constexpr int kDefaultProfileHertz = 100;
// The kernel looks at its timer in ticks, on most machines 250 a second on each CPU: a single busy
// thread gets no more samples than that.
inline constexpr int kMaxProfileHertz = 250;
// Above this, of a stack that is new only the innermost function is noted. Bounds the file to some
// 10 MB; a service has a few hundred different stacks a minute.
inline constexpr size_t kMaxProfileStacks = 20'000;

struct CpuProfileOptions {
  absl::Duration duration = absl::Seconds(30);  // from kMinProfile to kMaxProfile
  int hertz = kDefaultProfileHertz;             // samples a second of CPU time, to kMaxProfileHertz
};

class CpuProfiles {
 public:
  // The clock, which outlives it, says when a profile's time is over.
  explicit CpuProfiles(const Clock& clock = Clock::Real()) : clock_(clock) {}

  // Blocks the thread for the whole duration, or until Stop(): a plain one, never a shard's. One at
  // a time in the process. Uses no file. Logged, with the number of samples. Errors:
  // INVALID_ARGUMENT for a duration or hertz out of bounds; UNAVAILABLE while another one is taken;
  // FAILED_PRECONDITION after Stop(), and when the program uses SIGPROF otherwise.
  absl::StatusOr<std::string> Take(const CpuProfileOptions& options);

  // Ends the one that is being taken: its Take() returns what it has, within a tenth of a second.
  // Later ones are refused. Any thread; does not block.
  void Stop();

  // Of the one that is being taken, or else of the last one. Any thread.
  int64_t samples() const { return samples_.load(std::memory_order_relaxed); }

 private:
  const Clock& clock_;
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int64_t> samples_{0};
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_PROFILING_CPU_PROFILE_H_
