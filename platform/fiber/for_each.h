// ForEach, Map and CollectEach: one function for every element of a range, some of them at once.
//
//   absl::Status s = weft::ForEach(skus, {.max_concurrent = 8},
//                                  [&](const std::string& sku) { return cache.Warm(sku); });
//   absl::StatusOr<std::vector<Price>> prices = weft::Map(
//       skus, {.max_concurrent = 8}, [&](const std::string& sku) { return stub.GetPrice(sku); });
//
// Rules:
//   - At most `max_concurrent` elements are under way, on as many fibers of the caller's shard;
//     whenever one ends, the next element in order begins. Fibers are what is bounded, so a range
//     may be long, or without end.
//   - The function returns void, absl::Status, absl::StatusOr<T> or T; an exception becomes an
//     INTERNAL status. It is called by several fibers in turns.
//   - The first failure cancels the elements under way (cause: sibling failed), no further one
//     begins, and that failure is returned. With OnFailure::kWaitForAll every element gets its
//     turn, and the first failure is returned in the end.
//   - The calls park until all that began has ended. They are not cancel points themselves: the
//     elements run in the caller's scope. Once that is cancelled or overdue no further element
//     begins; if some are left, the scope's status is returned. (An empty range is OK.)
//   - Where the shard has too few fibers left (RuntimeOptions::max_fibers_per_shard) fewer elements
//     run at once; RESOURCE_EXHAUSTED when there is not one.
//
// Fairness: between elements other fibers get their turn when it is due (YieldIfDue). This is for
// work that waits, not for sharing out computation: all elements run on the caller's thread.
// FiberLocals: each element starts with a copy of the caller's.
//
// Threading: from fibers only. The range is iterated by the fibers in turns, one element ahead of
// none: going to the next element must not park. Neither range nor function is touched after the
// call.
#ifndef WEFT_PLATFORM_FIBER_FOR_EACH_H_
#define WEFT_PLATFORM_FIBER_FOR_EACH_H_

#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/fiber/internal/element_loop.h"
#include "platform/fiber/internal/task_result.h"
#include "platform/fiber/task_group.h"

namespace weft {

// OK when every element's function succeeded. Parks; see the rules above.
// Requires: options.max_concurrent ≥ 1.
template <std::ranges::forward_range Range, typename F>
absl::Status ForEach(Range&& range, const ForEachOptions& options, F function) {
  using Element = std::ranges::range_reference_t<Range>;
  static_assert(std::is_void_v<internal::TaskValue<F&, Element>>,
                "the function of ForEach returns void or absl::Status; see Map for values");
  return internal::ForEachIndexed(range, options, [&function](size_t, Element element) {
    return internal::CallForResult(function, std::forward<Element>(element));
  });
}

// The values that the function returned, in the order of the elements; or the first failure.
template <std::ranges::forward_range Range, typename F>
auto Map(Range&& range, const ForEachOptions& options, F function)
    -> absl::StatusOr<std::vector<internal::TaskValue<F&, std::ranges::range_reference_t<Range>>>> {
  using Element = std::ranges::range_reference_t<Range>;
  using Value = internal::TaskValue<F&, Element>;
  std::vector<std::optional<Value>> places;
  absl::Status status =
      internal::ForEachIndexed(range, options, [&](size_t index, Element element) -> absl::Status {
        absl::StatusOr<Value> result =
            internal::CallForResult(function, std::forward<Element>(element));
        if (!result.ok()) return result.status();
        if (places.size() <= index) places.resize(index + 1);
        places[index] = *std::move(result);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  std::vector<Value> values;
  values.reserve(places.size());
  for (std::optional<Value>& place : places) values.push_back(*std::move(place));
  return values;
}

// How each element ended, in order: an absl::StatusOr of the function's value, or an absl::Status
// where it returns none. No failure stops anything (`on_failure` is not used). Elements that never
// began, since the scope was cancelled before, have its status. Requires: a finite range.
template <std::ranges::forward_range Range, typename F>
auto CollectEach(Range&& range, ForEachOptions options, F function) -> std::vector<
    internal::Result<internal::TaskValue<F&, std::ranges::range_reference_t<Range>>>> {
  using Element = std::ranges::range_reference_t<Range>;
  using Result = internal::Result<internal::TaskValue<F&, Element>>;
  std::vector<std::optional<Result>> places(static_cast<size_t>(std::ranges::distance(range)));
  options.on_failure = OnFailure::kWaitForAll;
  const absl::Status status =
      internal::ForEachIndexed(range, options, [&](size_t index, Element element) {
        try {
          places[index] = internal::CallForResult(function, std::forward<Element>(element));
        } catch (...) {
          places[index] = internal::StatusOfException();
        }
        return absl::OkStatus();
      });
  std::vector<Result> results;
  results.reserve(places.size());
  for (std::optional<Result>& place : places) {
    results.push_back(place.has_value() ? *std::move(place) : Result(status));
  }
  return results;
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_FOR_EACH_H_
