// CpuSampler: the stacks on which this process spends its CPU time, fibers' stacks included.
//
//   absl::StatusOr<std::unique_ptr<CpuSampler>> sampler = CpuSampler::Start(100);
//   while (…a tenth of a second passes…) {
//     (*sampler)->Drain([&](absl::Span<const uintptr_t> stack) { ++counts[…stack…]; });
//   }
//
// A timer of the kernel (ITIMER_PROF) counts the CPU time of all threads together. Whenever another
// 1/hertz of a second was used up, it sends SIGPROF, which the kernel gives to the thread that runs
// at that moment, unless that one blocks the signal (no thread of Weft's does). So functions have
// samples in proportion to the CPU time they take, whichever threads run them, and a process that
// waits has none. The timer counts by the kernel's ticks (100 to 1000 a second on each CPU): of
// a process that runs in bursts shorter than a tick the total may be off, by a fifth as measured,
// while the shares of its functions hold.
//
// No sampler, no cost: no timer runs, and until the first one there is no handler for the signal.
//
// The handler
//   - runs on the shard's SignalStack, since the fiber that it interrupts may have little of its
//     own left; on other threads on their own stack, of which it takes about 10 KiB;
//   - neither allocates nor writes files, and takes no lock but those of libunwind and of the
//     dynamic linker (dl_iterate_phdr). Two threads could take these in opposite orders, one of
//     them interrupted in dlopen(); so only one at a time walks its stack, and a sample that comes
//     meanwhile has the interrupted instruction only. What is left is a thread interrupted in
//     dlopen() within the few instructions in which it takes the linker's lock;
//   - is installed with SA_RESTART; see docs/adr/0006 for the calls that return EINTR all the same.
//
// gperftools' profiler is not used: it installs its handler when it is loaded, without an alternate
// stack, walks stacks while it holds a lock that the handlers of all threads want (which is the
// deadlock above), and writes to its file in the handler, on the shard.
//
// Thread sanitizer holds signals back until the program calls into the C library: samples then tell
// of such calls only.
#ifndef WEFT_PLATFORM_FIBER_CPU_SAMPLER_H_
#define WEFT_PLATFORM_FIBER_CPU_SAMPLER_H_

#include <signal.h>

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weft {

inline constexpr int kMaxSamplerHertz = 1000;

class CpuSampler {
 public:
  // Begins. One at a time in the process. `hertz`: samples for each second of CPU time, from 1 to
  // kMaxSamplerHertz. Errors: UNAVAILABLE while there is another one; FAILED_PRECONDITION when the
  // program has a handler for SIGPROF or an ITIMER_PROF of its own, which are left alone. Any
  // thread; does not block.
  static absl::StatusOr<std::unique_ptr<CpuSampler>> Start(int hertz);

  // Ends it. Blocks the thread until the last handler has returned, for microseconds.
  ~CpuSampler();
  CpuSampler(const CpuSampler&) = delete;
  CpuSampler& operator=(const CpuSampler&) = delete;

  // Gives what was sampled since the last time to `take`: addresses, innermost first. The first one
  // is the interrupted instruction, the others are return addresses. The span is gone afterwards.
  // There is room for 1024 samples. One thread at a time, a plain one.
  void Drain(absl::FunctionRef<void(absl::Span<const uintptr_t>)> take);

  // Samples so far, and those among them for which there was no room. Any thread.
  int64_t samples() const;
  int64_t lost() const;

 private:
  struct Buffer;
  explicit CpuSampler(std::unique_ptr<Buffer> buffer);
  static void Handle(int signal, siginfo_t* info, void* context);
  static absl::Status Install();

  const std::unique_ptr<Buffer> buffer_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_CPU_SAMPLER_H_
