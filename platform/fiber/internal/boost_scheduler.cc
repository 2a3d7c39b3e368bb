#include "platform/fiber/internal/boost_scheduler.h"

#include <boost/context/stack_context.hpp>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/type.hpp>
#include <chrono>
#include <cstring>
#include <new>

#include "platform/base/check.h"

namespace weft::internal {

class BoostScheduler::Algorithm final : public boost::fibers::algo::algorithm {
 public:
  explicit Algorithm(BoostScheduler* scheduler) : scheduler_(scheduler) {}

  // Only the dispatcher comes here, when the algorithm is installed.
  void awakened(Context* context) noexcept override {
    if (context->is_context(boost::fibers::type::dispatcher_context)) {
      scheduler_->dispatcher_ = context;
    }
  }
  Context* pick_next() noexcept override { return scheduler_->dispatcher_; }
  bool has_ready_fibers() const noexcept override { return false; }
  // For a dispatcher that was given nothing to run, which never happens here.
  void suspend_until(const std::chrono::steady_clock::time_point&) noexcept override {
    Check(false, "Boost's dispatcher waits, where the shard's loop should");
  }
  // Only Boost's own cross-thread wakes and its shutdown, on this thread, would need it.
  void notify() noexcept override {}

 private:
  BoostScheduler* const scheduler_;
};

namespace {

// Boost keeps a context's continuation to itself; access is not checked for the arguments of an
// explicit instantiation ([temp.spec.general]), which is how it is had here.
boost::context::fiber& ContinuationOf(boost::fibers::context& context);
template <boost::context::fiber boost::fibers::context::*member>
struct Opened {
  friend boost::context::fiber& ContinuationOf(boost::fibers::context& context) {
    return context.*member;
  }
};
template struct Opened<&boost::fibers::context::c_>;

// Hands a stack that was cut out by hand to Boost, which never gives it back.
class StackHandover {
 public:
  StackHandover(void* top, size_t bytes) : top_(top), bytes_(bytes) {}
  boost::context::stack_context allocate() {
    boost::context::stack_context stack;
    stack.sp = top_;
    stack.size = bytes_;
    return stack;
  }
  void deallocate(boost::context::stack_context&) noexcept {}

 private:
  void* top_;
  size_t bytes_;
};

}  // namespace

void BoostScheduler::Install() {
  thread_context_ = boost::fibers::context::active();
  boost::fibers::use_scheduling_algorithm<Algorithm>(this);
  Check(dispatcher_ != nullptr, "this Boost.Fiber does not announce its dispatcher when installed");
}

BoostScheduler::Context* BoostScheduler::NewContext(void* stack_top, size_t bytes,
                                                    const Body& body) {
  boost::intrusive_ptr<Context> context = boost::fibers::make_worker_context(
      boost::fibers::launch::post, StackHandover(stack_top, bytes),
      [main = body.main, argument = body.argument] { main(argument); });
  thread_context_->attach(context.get());
  return context.detach();  // Abandon() does not count references.
}

// A context that still knows where to go on would be resumed by its destructor, to unwind it.
void BoostScheduler::Abandon(Context* context) {
  context->detach();
  new (&ContinuationOf(*context)) boost::context::fiber();
  context->~context();
}

void BoostScheduler::Resume(Context* context) { context->resume(); }

const void* BoostScheduler::SavedRegisters(Context* context) {
  // A boost::context::fiber is the saved stack pointer and nothing else.
  const boost::context::fiber& continuation = ContinuationOf(*context);
  const void* saved = nullptr;
  static_assert(sizeof(continuation) == sizeof(saved));
  std::memcpy(&saved, &continuation, sizeof(saved));
  return saved;
}

int64_t BoostScheduler::ContinuationOffset() const {
  return reinterpret_cast<const char*>(&ContinuationOf(*thread_context_)) -
         reinterpret_cast<const char*>(thread_context_);
}

}  // namespace weft::internal
