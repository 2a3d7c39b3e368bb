// BoostScheduler: all that Weft uses of Boost.Fiber, for one thread: contexts (a stack and the
// registers saved on it), the switch from one to another, and the burial of those that have ended.
// https://www.boost.org/doc/libs/1_81_0/libs/fiber/doc/html/fiber/scheduling.html
//
// Boost calls a custom algorithm's pick_next() whenever a context is to run next. Weft's fibers
// switch among themselves without asking (Shard::SwitchAway), so three callers are left:
//   - a fiber that ends for ever: the host chooses;
//   - Boost's dispatcher, which Bury() resumes since it alone frees ended contexts: back to the
//     thread's own context;
//   - the end of the thread, which waits for the dispatcher to finish.
//
// Boost's own sleeps, timed waits, mutexes and remote queue are not used: they read the system
// clock themselves, so time could not be simulated.
//
// The source is compiled without ThreadSanitizer's instrumentation. An ended context is unwound by
// the dispatcher: the sanitizer would count calls on one stack and their returns on another.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_BOOST_SCHEDULER_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_BOOST_SCHEDULER_H_

#include <cstddef>

namespace boost::fibers {
class context;
}  // namespace boost::fibers

namespace weft::internal {

class BoostScheduler {
 public:
  using Context = boost::fibers::context;

  class Host {
   public:
    // A fiber has ended: what runs next? Called on the ended fiber's stack.
    virtual Context* PickAfterEnd() noexcept = 0;

   protected:
    ~Host() = default;
  };

  // A context's code and its owner's farewell.
  struct Body {
    void (*main)(void* argument);   // runs on the context; when it returns, the context has ended
    void (*ended)(void* argument);  // called by Bury(): the stack may be used for something else
    void* argument;
  };

  // Takes over the scheduling of the calling thread. Lives until the thread has ended.
  void Install(Host* host);
  // A context that lies, with its frames, in the `bytes` below `stack_top`.
  Context* NewContext(void* stack_top, size_t bytes, const Body& body);
  // Frees contexts that have ended. Called on the thread's own context.
  void Bury();
  // From now on the thread may end. Called on the thread's own context.
  void Finish() { phase_ = Phase::kFinished; }

  Context* thread_context() const { return thread_context_; }

  static void Resume(Context* context);
  // Where the registers of a context that was left lie, on its stack; see saved_stack.h.
  static const void* SavedRegisters(Context* context);

 private:
  class Algorithm;
  enum class Phase { kRunning, kBurying, kFinished };

  Host* host_ = nullptr;
  Context* thread_context_ = nullptr;
  Context* dispatcher_ = nullptr;
  Phase phase_ = Phase::kRunning;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_BOOST_SCHEDULER_H_
