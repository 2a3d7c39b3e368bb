// Tells AddressSanitizer and ThreadSanitizer of stack switches, which they cannot see by
// themselves. Empty in other builds. Interfaces: <sanitizer/common_interface_defs.h>,
// <sanitizer/tsan_interface.h>.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SANITIZER_FIBER_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SANITIZER_FIBER_H_

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

// Thread sanitizer keeps a stack of calls for each fiber: a function that is entered on one and
// left on another must be hidden from it.
#define WEFT_NO_THREAD_SANITIZER __attribute__((no_sanitize_thread))

namespace weft::internal {

// One stack, as the sanitizers know it. A switch is: `from.LeaveFor(to)` on the old stack directly
// before the jump, and `to.Arrived()` on the new one directly after it.
class SanitizerFiber {
 public:
  // For a stack of our own: its lowest address and size.
  void InitStack(void* bottom, size_t bytes) {
    bottom_ = bottom;
    bytes_ = bytes;
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(bottom, bytes);
#endif
#if defined(__SANITIZE_THREAD__)
    tsan_fiber_ = __tsan_create_fiber(0);
#endif
  }
  // For the stack that the thread came with; called on it.
  void InitThreadStack() {
#if defined(__SANITIZE_THREAD__)
    tsan_fiber_ = __tsan_get_current_fiber();
#endif
  }
  void Destroy() {
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(tsan_fiber_);
#endif
  }

  WEFT_NO_THREAD_SANITIZER void LeaveFor([[maybe_unused]] SanitizerFiber& to) {
#if defined(__SANITIZE_ADDRESS__)
    to.came_from_ = this;
    __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(to.tsan_fiber_, 0);
#endif
  }
  void Arrived() {
#if defined(__SANITIZE_ADDRESS__)
    const void* bottom = nullptr;
    size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
    fake_stack_ = nullptr;
    // The thread's own stack is learnt when it is left for the first time.
    if (came_from_ != nullptr && came_from_->bottom_ == nullptr) {
      came_from_->bottom_ = bottom;
      came_from_->bytes_ = bytes;
    }
    came_from_ = nullptr;
#endif
  }

 private:
  const void* bottom_ = nullptr;
  size_t bytes_ = 0;
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack_ = nullptr;
  SanitizerFiber* came_from_ = nullptr;
#endif
#if defined(__SANITIZE_THREAD__)
  void* tsan_fiber_ = nullptr;
#endif
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SANITIZER_FIBER_H_
