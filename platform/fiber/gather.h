// Gather and CollectAll: some functions at once, each on a fiber of its own, and all their results.
//
//   auto both = weft::Gather([&] { return pricing.GetPrice(sku); },      // StatusOr<Price>
//                            [&] { return catalog.GetProduct(sku); });   // StatusOr<Product>
//   if (!both.ok()) return both.status();
//   const auto& [price, product] = *both;
//
// Gather() is all or nothing: the first failure cancels the others and is what comes out.
// CollectAll() lets every function come to its end and returns each one's own outcome.
//
// Functions return void, absl::Status, absl::StatusOr<T> or T; an exception becomes an INTERNAL
// status. Both calls park until every function has returned, whatever happened; neither is a cancel
// point itself, but the functions run in the caller's scope (CancelScope, with its deadline) and
// are cancelled with it. From fibers only; the functions run on the caller's shard.
//
// For one function and many elements see for_each.h; for the fastest of several, race.h.
#ifndef WEFT_PLATFORM_FIBER_GATHER_H_
#define WEFT_PLATFORM_FIBER_GATHER_H_

#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/fiber/internal/task_result.h"
#include "platform/fiber/task_group.h"

namespace weft {

namespace internal {

template <typename F>
using GatheredValue = std::conditional_t<std::is_void_v<TaskValue<F&>>, std::monostate,  //
                                         TaskValue<F&>>;

template <typename T>
auto TakeValue(Task<T>& task) {
  if constexpr (std::is_void_v<T>) {
    return std::monostate();
  } else {
    return T(std::move(*task));
  }
}

template <typename T>
Result<T> TakeResult(Task<T>& task) {
  if constexpr (std::is_void_v<T>) {
    return task.status();
  } else {
    if (!task.status().ok()) return task.status();
    return Result<T>(absl::in_place, std::move(*task));
  }
}

}  // namespace internal

// The values in the order of the functions; std::monostate for functions without one. Or the first
// failure, in time.
template <typename... Fs>
absl::StatusOr<std::tuple<internal::GatheredValue<Fs>...>> Gather(Fs... functions) {
  TaskGroup group;
  std::tuple tasks{group.Spawn("gather", std::move(functions))...};
  if (absl::Status s = group.Wait(); !s.ok()) return s;
  return std::apply(
      [](auto&... task) {
        return std::tuple<internal::GatheredValue<Fs>...>(internal::TakeValue(task)...);
      },
      tasks);
}

// For each function an absl::StatusOr of its value, or an absl::Status where it has none. No
// failure cancels anything.
//
//   auto [price, reviews] = weft::CollectAll(get_price, get_reviews);
//   if (!price.ok()) return price.status();
//   if (!reviews.ok()) LOG … and go on without them
template <typename... Fs>
std::tuple<internal::Result<internal::TaskValue<Fs&>>...> CollectAll(Fs... functions) {
  TaskGroup group({.on_failure = OnFailure::kWaitForAll});
  std::tuple tasks{group.Spawn("collect", std::move(functions))...};
  group.Wait().IgnoreError();  // Each task has its own.
  return std::apply(
      [](auto&... task) {
        return std::tuple<internal::Result<internal::TaskValue<Fs&>>...>(
            internal::TakeResult(task)...);
      },
      tasks);
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_GATHER_H_
