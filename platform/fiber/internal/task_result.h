// How functions that run as tasks return: void, absl::Status, absl::StatusOr<T> or a plain T, all
// seen as a status and, for the last two, a value.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_TASK_RESULT_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_TASK_RESULT_H_

#include <functional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/utility/utility.h"

namespace weft::internal {

// The value that is kept of what a function returns; void: none.
template <typename R>
struct ReturnType {
  using Value = std::remove_cvref_t<R>;
};
template <typename T>
struct ReturnType<absl::StatusOr<T>> {
  using Value = T;
};
template <>
struct ReturnType<absl::Status> {
  using Value = void;
};
template <typename F, typename... Arguments>
using TaskValue = typename ReturnType<std::invoke_result_t<F, Arguments...>>::Value;

// A value with its status; for void the status alone.
template <typename Value>
struct ResultType {
  using Type = absl::StatusOr<Value>;
};
template <>
struct ResultType<void> {
  using Type = absl::Status;
};
template <typename Value>
using Result = typename ResultType<Value>::Type;

// Calls `function` and brings what it returns into one form. Exceptions pass through.
template <typename F, typename... Arguments>
Result<TaskValue<F&, Arguments...>> CallForResult(F& function, Arguments&&... arguments) {
  using Return = std::invoke_result_t<F&, Arguments...>;
  using Value = TaskValue<F&, Arguments...>;
  if constexpr (std::is_void_v<Return>) {
    std::invoke(function, std::forward<Arguments>(arguments)...);
    return absl::OkStatus();
  } else if constexpr (std::is_same_v<Return, Result<Value>>) {
    return std::invoke(function, std::forward<Arguments>(arguments)...);
  } else {
    return absl::StatusOr<Value>(absl::in_place,
                                 std::invoke(function, std::forward<Arguments>(arguments)...));
  }
}

// The status for the exception being handled: INTERNAL with its text. Within a `catch` only.
absl::Status StatusOfException();

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_TASK_RESULT_H_
