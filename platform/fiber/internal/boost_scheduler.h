// BoostScheduler: all that Weft uses of Boost.Fiber, for one thread: contexts (a stack and the
// registers saved on it), and the switch from one to another.
// https://www.boost.org/doc/libs/1_81_0/libs/fiber/doc/html/fiber/scheduling.html
//
// Boost calls a custom algorithm's pick_next() whenever a context is to run next. Weft's fibers
// switch among themselves without asking (Shard::SwitchAway) and never end, as Boost sees it: one
// that is no longer needed is left and never resumed (Abandon). So a single caller is left, the end
// of the thread, which waits for Boost's dispatcher to finish.
//
// Boost's own sleeps, timed waits, mutexes and remote queue are not used: they read the system
// clock themselves, so time could not be simulated.
//
// The source is compiled without ThreadSanitizer's instrumentation: a switch leaves functions on
// another stack than it entered them on.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_BOOST_SCHEDULER_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_BOOST_SCHEDULER_H_

#include <cstddef>
#include <cstdint>

namespace boost::fibers {
class context;
}  // namespace boost::fibers

namespace weft::internal {

class BoostScheduler {
 public:
  using Context = boost::fibers::context;

  // A context's code. Must not return.
  struct Body {
    void (*main)(void* argument);
    void* argument;
  };

  // Takes over the scheduling of the calling thread. Lives until the thread has ended.
  void Install();
  // A context that lies, with its frames, in the `bytes` below `stack_top`.
  Context* NewContext(void* stack_top, size_t bytes, const Body& body);
  // Forgets a context that was left, without unwinding its frames: what lives in them is not
  // destroyed. Its stack may then be used for something else.
  void Abandon(Context* context);

  Context* thread_context() const { return thread_context_; }

  static void Resume(Context* context);
  // Where the registers of a context that was left lie, on its stack; see saved_stack.h.
  static const void* SavedRegisters(Context* context);
  // Where in a context SavedRegisters() are found, for debuggers: in bytes.
  int64_t ContinuationOffset() const;

 private:
  class Algorithm;

  Context* thread_context_ = nullptr;
  Context* dispatcher_ = nullptr;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_BOOST_SCHEDULER_H_
