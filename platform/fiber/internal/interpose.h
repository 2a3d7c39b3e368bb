// Functions that stand in for the C library's: defined in the executable, they are found before the
// library's by everything that is linked or loaded, and they call those.
//
//   WEFT_INTERPOSE(int, fsync, (int fd)) {
//     if (FiberRecord* const fiber = BlockingMonitor::Watched()) { … }
//     return next_fsync(fd);
//   }
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_INTERPOSE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_INTERPOSE_H_

#include <dlfcn.h>

#include <atomic>

#include "platform/base/check.h"

namespace weft::internal {

// The function of that name in the libraries behind the executable. May be called before main(),
// by libraries' initialisers: it needs none itself.
template <typename Function>
class NextFunction {
 public:
  // `version`: of the present form, for functions of which the C library keeps old ones.
  explicit constexpr NextFunction(const char* name, const char* version = nullptr)
      : name_(name), version_(version) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    return Get()(arguments...);
  }

 private:
  Function Get() {
    void* found = found_.load(std::memory_order_relaxed);
    if (found == nullptr) {
      if (version_ != nullptr) found = dlvsym(RTLD_NEXT, name_, version_);
      if (found == nullptr) found = dlsym(RTLD_NEXT, name_);
      Check(found != nullptr, "a function of the C library is missing that blocking_calls wraps");
      found_.store(found, std::memory_order_relaxed);
    }
    return reinterpret_cast<Function>(found);
  }

  const char* const name_;
  const char* const version_;
  std::atomic<void*> found_{nullptr};
};

}  // namespace weft::internal

// The definition goes by another name in C++: the system's headers declare it already, with
// attributes that would have to be the same.
#define WEFT_INTERPOSE_VERSION(result, name, parameters, version)                             \
  extern "C" result Interposed_##name parameters __asm__(#name);                              \
  constinit ::weft::internal::NextFunction<result(*) parameters> next_##name(#name, version); \
  extern "C" result Interposed_##name parameters

#define WEFT_INTERPOSE(result, name, parameters) \
  WEFT_INTERPOSE_VERSION(result, name, parameters, nullptr)

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_INTERPOSE_H_
