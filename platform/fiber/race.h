// Race: several ways to the same result, at once; the first that succeeds is taken.
//
//   absl::StatusOr<Reply> reply = weft::Race(
//       [&] { return near.Get(key); },
//       [&]() -> absl::StatusOr<Reply> {   // a hedge: the second one only asks when it takes long
//         if (absl::Status s = weft::SleepFor(absl::Milliseconds(5)); !s.ok()) return s;
//         return far.Get(key);
//       });
//
// Rules:
//   - Each function runs on a fiber of its own, on the caller's shard. They return the same type,
//     or types with a common one: absl::StatusOr<T> or T; or absl::Status or void, where the race
//     has no value. An exception is a failure.
//   - The first success cancels the others (cause: sibling succeeded); one that has not begun by
//     then is not begun. The race returns when all have ended: none runs on behind its back. A
//     second success is dropped.
//   - A failure cancels nobody. When all have failed, the first failure, in time, is returned; but
//     when the scope round the race is cancelled or overdue by then, that scope's status.
//   - Race is not a cancel point itself; the functions run in the caller's scope, which gives the
//     race its deadline:
//
//       weft::CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(50)});
//       return weft::Race(…);
//
// From fibers only. Parks.
#ifndef WEFT_PLATFORM_FIBER_RACE_H_
#define WEFT_PLATFORM_FIBER_RACE_H_

#include <functional>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "platform/fiber/cancel_cause.h"
#include "platform/fiber/internal/task_result.h"
#include "platform/fiber/task_group.h"

namespace weft {

namespace internal {

template <typename T>
class RaceTrack {
 public:
  template <typename F>
  void Start(F function) {
    group_.Spawn("race", [this, function = std::move(function)]() mutable -> absl::Status {
      if (winner_.has_value()) return absl::OkStatus();
      auto result = CallForResult(function);
      if (!result.ok()) return ToStatus(result);
      if (winner_.has_value()) return absl::OkStatus();
      if constexpr (std::is_void_v<T>) {
        winner_.emplace();
      } else {
        winner_.emplace(*std::move(result));
      }
      group_.Cancel(CancelCause::kSiblingSucceeded);
      return absl::OkStatus();
    });
  }

  Result<T> Finish() {
    absl::Status first_failure = group_.Wait();
    if (winner_.has_value()) {
      if constexpr (std::is_void_v<T>) {
        return absl::OkStatus();
      } else {
        return *std::move(winner_);
      }
    }
    absl::Status around = group_.scope().status();
    return around.ok() ? first_failure : around;
  }

 private:
  static const absl::Status& ToStatus(const absl::Status& status) { return status; }
  template <typename U>
  static const absl::Status& ToStatus(const absl::StatusOr<U>& result) {
    return result.status();
  }

  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> winner_;
  TaskGroup group_{{.on_failure = OnFailure::kWaitForAll}};  // destroyed first: it is waited for
};

}  // namespace internal

template <typename... Fs>
auto Race(Fs... functions) {
  static_assert(sizeof...(Fs) > 0, "a race needs somebody who runs");
  internal::RaceTrack<std::common_type_t<internal::TaskValue<Fs&>...>> track;
  (track.Start(std::move(functions)), ...);
  return track.Finish();
}

// The same for one function and many elements, such as the replicas of a shard: all of them run at
// once. INVALID_ARGUMENT for an empty range. `function` is called by several fibers in turns; the
// range stays as it is meanwhile.
//
//   absl::StatusOr<Reply> reply =
//       weft::RaceEach(replicas, [&](Replica& replica) { return replica.Get(key); });
template <std::ranges::forward_range Range, typename F>
auto RaceEach(Range&& range, F function) {
  using T = internal::TaskValue<F&, std::ranges::range_reference_t<Range>>;
  internal::RaceTrack<T> track;
  auto runner = std::ranges::begin(range);
  const auto end = std::ranges::end(range);
  if (runner == end) {
    return internal::Result<T>(absl::InvalidArgumentError("a race of nobody has no winner"));
  }
  for (; runner != end; ++runner) {
    track.Start([&function, runner] { return std::invoke(function, *runner); });
  }
  return track.Finish();
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_RACE_H_
