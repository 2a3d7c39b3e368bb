// DefaultPools: the two pools that a runtime has for Blocking() and Compute().
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_DEFAULT_POOLS_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_DEFAULT_POOLS_H_

#include <memory>
#include <mutex>

#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/runtime.h"

namespace weft::internal {

// Thread-safe. Each pool is made when it is first asked for: to count the CPUs is to read files,
// which the many runtimes of tests need not do.
class DefaultPools {
 public:
  explicit DefaultPools(const RuntimeOptions& options)
      : blocking_({.name = "blocking",
                   .threads = options.blocking_threads,
                   .queue = options.blocking_queue,
                   .clock = options.clock}),
        compute_({.name = "compute",
                  .threads = options.compute_threads,
                  .queue = options.compute_queue,
                  .clock = options.clock}) {}

  BlockingPool& blocking() { return blocking_.Get(); }
  BlockingPool& compute() { return compute_.Get(); }

 private:
  class LazyPool {
   public:
    explicit LazyPool(BlockingPoolOptions options) : options_(std::move(options)) {}
    BlockingPool& Get() {
      std::call_once(made_, [this] { pool_ = std::make_unique<BlockingPool>(options_); });
      return *pool_;
    }

   private:
    const BlockingPoolOptions options_;
    std::once_flag made_;
    std::unique_ptr<BlockingPool> pool_;
  };

  LazyPool blocking_;
  LazyPool compute_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_DEFAULT_POOLS_H_
