// TaskNode: a child of a TaskGroup: its function, its result and its state, in one allocation.
//
// Two have an interest in it, the running child and the handle (Task<T>) that Spawn() returned; the
// later one to go frees it. So a child whose handle was dropped leaves nothing behind, however long
// its group lives. Both are on the group's shard: nothing is locked or counted atomically.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_TASK_NODE_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_TASK_NODE_H_

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/task_result.h"

namespace weft {
class TaskGroup;
}  // namespace weft

namespace weft::internal {

class TaskNode : public FiberBody {
 public:
  explicit TaskNode(TaskGroup* group) : group_(group) {}
  virtual ~TaskNode() = default;
  TaskNode(const TaskNode&) = delete;
  TaskNode& operator=(const TaskNode&) = delete;

  // The child has ended, and status() is its result.
  bool done() const { return done_; }
  const absl::Status& status() const { return status_; }

  // By the handle when it goes; `this` may be gone afterwards.
  void DropHandle() {
    if (done_) {
      delete this;
    } else {
      has_handle_ = false;
    }
  }
  // By the group once the child has ended, or could not be started; likewise.
  void End() {
    if (has_handle_) {
      done_ = true;
    } else {
      delete this;
    }
  }
  void set_status(absl::Status status) { status_ = std::move(status); }

 protected:
  bool has_handle() const { return has_handle_; }

 private:
  // Runs the function; what it captured is destroyed on the child's fiber, before it ends.
  virtual absl::Status Invoke() = 0;
  void Run() final;
  void Finished() final;

  TaskGroup* const group_;
  absl::Status status_;
  bool has_handle_ = true;
  bool done_ = false;
};

template <typename Value>
class ValueTaskNode : public TaskNode {
 public:
  using TaskNode::TaskNode;
  std::optional<Value> value;
};
template <>
class ValueTaskNode<void> : public TaskNode {
 public:
  using TaskNode::TaskNode;
};

template <typename F>
class FunctionTaskNode final : public ValueTaskNode<TaskValue<F&>> {
 public:
  FunctionTaskNode(TaskGroup* group, F function)
      : ValueTaskNode<TaskValue<F&>>(group), function_(std::in_place, std::move(function)) {}

 private:
  using Return = std::invoke_result_t<F&>;

  absl::Status Invoke() override {
    struct Clear {
      std::optional<F>& function;
      ~Clear() { function.reset(); }
    } clear{function_};
    if constexpr (std::is_void_v<Return>) {
      std::invoke(*function_);
      return absl::OkStatus();
    } else if constexpr (std::is_same_v<Return, absl::Status>) {
      return std::invoke(*function_);
    } else if constexpr (std::is_same_v<Return, absl::StatusOr<TaskValue<F&>>>) {
      Return result = std::invoke(*function_);
      if (!result.ok()) return result.status();
      if (this->has_handle()) this->value.emplace(*std::move(result));
      return absl::OkStatus();
    } else {
      Return&& result = std::invoke(*function_);
      if (this->has_handle()) this->value.emplace(std::forward<Return>(result));
      return absl::OkStatus();
    }
  }

  std::optional<F> function_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_TASK_NODE_H_
