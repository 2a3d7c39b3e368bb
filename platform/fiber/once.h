// Once and CallOnce: something is done once, by whoever comes first; the others wait until it is
// done. For what is made on first use: a connection, a cache, a parsed file.
//
//   if (absl::Status s = weft::CallOnce(once_, [&] { return Connect(); }); !s.ok()) return s;
//
// Unlike std::call_once the function may park, and may fail: then the next one in line, or the next
// caller, tries with its own function. So each caller gets OK, or the error of its own attempt, and
// never somebody else's: what failed for one, say at its deadline, need not fail for the next.
//
// Threads: fibers of any shard. What the function wrote is visible to all that got OK.
// Fairness: those that wait try in the order they came.
#ifndef WEFT_PLATFORM_FIBER_ONCE_H_
#define WEFT_PLATFORM_FIBER_ONCE_H_

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

class Once;

// Runs `function` unless one has succeeded for `once` before, and returns OK once one has. Parks
// while another caller's function runs. A cancel point when it parks: OK when it is done already,
// and the caller's turn comes, in a cancelled scope too, and after `deadline`; `deadline` does not
// limit the function. `function` returns absl::Status, or void: then it fails only by throwing. An
// exception goes on to its caller.
// Errors: what `function` returned; DEADLINE_EXCEEDED, or the cancel scope's status, while waiting:
// `function` did not run then.
// Requires: on a fiber; not called from a function that runs for the same `once`.
template <typename F>
absl::Status CallOnce(Once& once, F&& function, absl::Time deadline = absl::InfiniteFuture());

class Once {
 public:
  Once() = default;
  ~Once();  // Requires: nobody is in CallOnce().
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  // Whether a function has succeeded. Never parks; any thread.
  bool done() const { return done_.load(std::memory_order_acquire); }

 private:
  template <typename F>
  friend absl::Status CallOnce(Once& once, F&& function, absl::Time deadline);

  // One caller's attempt, from its turn to its end: failed unless it is said to have succeeded,
  // since the function may throw.
  class Attempt {
   public:
    explicit Attempt(Once& once) : once_(once) {}
    ~Attempt() { once_.End(succeeded); }
    bool succeeded = false;

   private:
    Once& once_;
  };

  // Parks until it is done (false) or the caller's turn to try (true).
  absl::StatusOr<bool> Begin(absl::Time deadline);
  void End(bool succeeded);
  static uint64_t RunnerOf(const void* once);

  mutable internal::SpinLock lock_;
  std::atomic<bool> done_{false};            // written under lock_
  internal::FiberRecord* runner_ = nullptr;  // whose turn it is
  internal::WaitQueue waiters_;
};

template <typename F>
absl::Status CallOnce(Once& once, F&& function, absl::Time deadline) {
  if (once.done()) return absl::OkStatus();
  const absl::StatusOr<bool> my_turn = once.Begin(deadline);
  if (!my_turn.ok() || !*my_turn) return my_turn.status();
  Once::Attempt attempt(once);
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    std::forward<F>(function)();
    attempt.succeeded = true;
    return absl::OkStatus();
  } else {
    absl::Status status = std::forward<F>(function)();
    attempt.succeeded = status.ok();
    return status;
  }
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_ONCE_H_
