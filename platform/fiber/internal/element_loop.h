// ElementLoop: what ForEach, Map and CollectEach (for_each.h) have in common: fibers that take one
// element after another from a range.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_ELEMENT_LOOP_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_ELEMENT_LOOP_H_

#include <cstddef>
#include <ranges>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/cancel_cause.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/internal/task_result.h"
#include "platform/fiber/task_group.h"

namespace weft {

struct ForEachOptions {
  int max_concurrent = 0;  // must be set: 1 or more
  OnFailure on_failure = OnFailure::kCancelSiblings;
  const char* name = "";  // of the scope round the elements, a literal; see cancel_scope.h
};

namespace internal {

struct FiberRecord;
FiberRecord* CurrentFiber();

// Gives the calling fiber the FiberLocals of `owner`, as if it had just been spawned by it.
void StartElementLike(const FiberRecord& owner);

template <typename Range, typename OnElement>
class ElementLoop {
 public:
  ElementLoop(Range& range, const ForEachOptions& options, OnElement& on_element)
      : options_(options),
        on_element_(on_element),
        next_(std::ranges::begin(range)),
        end_(std::ranges::end(range)),
        group_({.name = options.name, .on_failure = OnFailure::kWaitForAll}) {}

  absl::Status Run() {
    Check(options_.max_concurrent >= 1,
          "ForEachOptions::max_concurrent is 1 or more: how many elements may be under way");
    auto taken = next_;  // No more fibers than elements.
    for (int i = 0; i < options_.max_concurrent && taken != end_; ++i, ++taken) {
      group_.Spawn("for each", [this, owner = CurrentFiber()] { Work(*owner); });
    }
    const absl::Status not_started = group_.Wait();
    if (!first_failure_.ok()) return first_failure_;
    if (next_ == end_) return absl::OkStatus();
    absl::Status cancelled = group_.scope().status();
    return cancelled.ok() ? not_started : cancelled;
  }

 private:
  void Work(const FiberRecord& owner) {
    for (bool first = true; next_ != end_ && !group_.scope().cancelled(); first = false) {
      if (!first) StartElementLike(owner);
      const size_t index = begun_++;
      bool has_element = false;
      absl::Status status;
      try {
        const auto element = next_++;
        has_element = true;
        status = on_element_(index, *element);
      } catch (...) {
        status = StatusOfException();
      }
      if (!status.ok()) Fail(index, std::move(status), /*stop=*/!has_element);
      YieldIfDue();
    }
  }

  void Fail(size_t index, absl::Status status, bool stop) {
    if (first_failure_.ok()) first_failure_ = std::move(status);
    if (!stop && options_.on_failure == OnFailure::kWaitForAll) return;
    group_.Cancel(
        CancelCause::kSiblingFailed,
        absl::StrCat("element ", index, ": ", absl::StatusCodeToString(first_failure_.code()), ": ",
                     first_failure_.message()));
  }

  const ForEachOptions& options_;
  OnElement& on_element_;
  std::ranges::iterator_t<Range> next_;
  const std::ranges::sentinel_t<Range> end_;
  size_t begun_ = 0;
  absl::Status first_failure_;
  TaskGroup group_;
};

// Calls `on_element(index, element)`, which returns an absl::Status, for every element.
template <typename Range, typename OnElement>
absl::Status ForEachIndexed(Range& range, const ForEachOptions& options, OnElement on_element) {
  return ElementLoop<Range, OnElement>(range, options, on_element).Run();
}

}  // namespace internal
}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_ELEMENT_LOOP_H_
