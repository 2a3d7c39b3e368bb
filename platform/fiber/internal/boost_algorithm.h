// BoostAlgorithm: what Boost.Fiber's scheduler asks of us, handed on to the Shard.
// https://www.boost.org/doc/libs/1_81_0/libs/fiber/doc/html/fiber/scheduling.html
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_BOOST_ALGORITHM_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_BOOST_ALGORITHM_H_

#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/type.hpp>
#include <chrono>

#include "platform/fiber/internal/shard.h"

namespace weft::internal {

class BoostAlgorithm final : public boost::fibers::algo::algorithm {
 public:
  explicit BoostAlgorithm(Shard* shard) : shard_(shard) {}

  // Fibers enter our run queue directly, so only the dispatcher comes here: each time it resumes a
  // fiber it declares itself ready.
  void awakened(boost::fibers::context* context) noexcept override {
    if (context->is_context(boost::fibers::type::dispatcher_context)) {
      shard_->NoteDispatcher(context);
    }
  }
  // Called by the dispatcher, and by a fiber that ends for ever.
  boost::fibers::context* pick_next() noexcept override { return shard_->PickNext(); }
  bool has_ready_fibers() const noexcept override { return !shard_->ready_.empty(); }
  // Called by the dispatcher when pick_next() gave it nothing. Its time point knows only Boost's
  // own timers, of which there are none.
  void suspend_until(const std::chrono::steady_clock::time_point&) noexcept override {
    shard_->Poll(/*may_block=*/true);
  }
  // Only Boost's own cross-thread wakes and its shutdown, on this thread, would need it.
  void notify() noexcept override {}

 private:
  Shard* const shard_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_BOOST_ALGORITHM_H_
