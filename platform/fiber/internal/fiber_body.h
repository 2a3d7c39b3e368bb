// FiberBody: what a fiber runs. The allocation-free way to start a fiber, for the layers above that
// embed the body in an object of their own (a task of a TaskGroup, a call of the rpc server).
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_FIBER_BODY_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_FIBER_BODY_H_

#include <cstdint>

#include "platform/fiber/stack_size.h"

namespace weft {
class CancelScope;
}  // namespace weft

namespace weft::internal {

class FiberBody {
 public:
  // The fiber's work. Must not throw.
  virtual void Run() = 0;
  // The fiber's last act, still on the fiber, in no scope: tells whoever joins it. The body may be
  // destroyed or started again from within. Must not park.
  virtual void Finished() = 0;
  // Called once, before the first park of a run that was started with `notify_first_park`: lets an
  // owner put off work that only a fiber that waits needs. Must not park.
  virtual void OnFirstPark() {}

 protected:
  ~FiberBody() = default;
};

struct StartOptions {
  const char* name = "fiber";    // outlives the fiber; shown in the dump
  CancelScope* scope = nullptr;  // the scope it starts in; null: none
  uint64_t parent_id = 0;        // of the fiber that owns the group below; 0: a root
  const void* group = nullptr;   // the TaskGroup it is a child of; null: none
  bool inherit_locals = false;   // copy the FiberLocals of the calling fiber
  bool notify_first_park = false;
  StackSize stack = StackSize::kDefault;
};

// Makes `body` run on a fiber of the caller's shard, soon; from a fiber or from the shard's loop.
// False when the shard has its maximum of fibers: the body then never runs. Never parks.
bool StartFiber(FiberBody& body, const StartOptions& options);

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_FIBER_BODY_H_
