// TaskGroup: children that never outlive the block they were started in (a nursery).
//
//   weft::TaskGroup group;
//   auto price = group.Spawn("price", [&] { return pricing.GetPrice(request); });   // StatusOr<T>
//   auto stock = group.Spawn("stock", [&] { return catalog.GetStock(request); });
//   if (absl::Status s = group.Wait(); !s.ok()) return s;   // first failure; the sibling was
//   cancelled return Combine(*price, *stock);
//
// Rules:
//   - Spawn() starts a fiber on the caller's shard and returns at once. What the function returns
//     (void, absl::Status, absl::StatusOr<T> or T) is the child's result. An exception that leaves
//     the function becomes an INTERNAL status.
//   - The first child that fails cancels the others (cause: sibling failed). They see it at their
//     next cancel point.
//   - Wait() parks until all children have finished and returns OK or the first failure. It is not
//     a cancel point itself: when the scope round the group is cancelled, the children are, and
//     Wait() returns once they have ended.
//   - The destructor cancels what still runs, and waits.
//
// Threading: a group belongs to the fiber that made it. Spawn() may also be called by its children.
#ifndef WEFT_PLATFORM_FIBER_TASK_GROUP_H_
#define WEFT_PLATFORM_FIBER_TASK_GROUP_H_

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/waiter.h"

namespace weft {

class TaskGroup;

namespace internal {

// How a function's return type maps to a result: kept value (void: none) and status.
template <typename R>
struct TaskResult {
  using Value = R;
};
template <typename T>
struct TaskResult<absl::StatusOr<T>> {
  using Value = T;
};
template <>
struct TaskResult<absl::Status> {
  using Value = void;
};

// A child: its function, its result, and its link in the group, in one allocation that lives as
// long as the group.
class TaskNode : public FiberBody {
 public:
  explicit TaskNode(TaskGroup* group) : group_(group) {}
  virtual ~TaskNode() = default;
  const absl::Status& status() const { return status_; }

 protected:
  friend class weft::TaskGroup;
  void Run() final;
  void Finished() final;
  virtual absl::Status Invoke() = 0;

  TaskGroup* const group_;
  std::unique_ptr<TaskNode> next_;
  absl::Status status_;
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
class FunctionTaskNode final
    : public ValueTaskNode<typename TaskResult<std::invoke_result_t<F>>::Value> {
 public:
  using Result = std::invoke_result_t<F>;
  FunctionTaskNode(TaskGroup* group, F function)
      : ValueTaskNode<typename TaskResult<Result>::Value>(group), function_(std::move(function)) {}

 private:
  absl::Status Invoke() override {
    if constexpr (std::is_void_v<Result>) {
      function_();
      return absl::OkStatus();
    } else if constexpr (std::is_same_v<Result, absl::Status>) {
      return function_();
    } else if constexpr (std::is_same_v<Result,
                                        absl::StatusOr<typename TaskResult<Result>::Value>>) {
      Result result = function_();
      if (!result.ok()) return result.status();
      this->value.emplace(*std::move(result));
      return absl::OkStatus();
    } else {
      this->value.emplace(function_());
      return absl::OkStatus();
    }
  }
  F function_;
};

}  // namespace internal

// The handle of a child. Valid as long as its group; read it after Wait().
template <typename T>
class Task {
 public:
  // OK once the child has finished without failure. Requires: the group was waited for.
  const absl::Status& status() const { return node_->status(); }
  // Requires: status().ok().
  template <typename U = T>
  std::add_lvalue_reference_t<U> operator*() const {
    return *node_->value;
  }
  template <typename U = T>
  U* operator->() const {
    return &*node_->value;
  }

 private:
  friend class TaskGroup;
  explicit Task(internal::ValueTaskNode<T>* node) : node_(node) {}
  internal::ValueTaskNode<T>* node_;
};

class TaskGroup {
 public:
  // Requires: on a fiber. `options` are those of the scope round the children.
  TaskGroup() : TaskGroup(CancelScope::Options{}) {}
  explicit TaskGroup(const CancelScope::Options& options);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a child. `name` is shown in /debug/fibers and must outlive it (a literal). Never parks.
  // A child that cannot be started (too many fibers) finishes at once with RESOURCE_EXHAUSTED.
  template <typename F>
  auto Spawn(const char* name, F function) {
    auto node = std::make_unique<internal::FunctionTaskNode<F>>(this, std::move(function));
    Task<typename internal::TaskResult<std::invoke_result_t<F>>::Value> task(node.get());
    Start(name, std::move(node));
    return task;
  }
  template <typename F>
  auto Spawn(F function) {
    return Spawn("task", std::move(function));
  }

  // Parks until every child has finished; see the rules above. May be called again after more
  // Spawns. Only by the fiber that made the group.
  absl::Status Wait();

  // Cancels the children; Wait() then returns their statuses' first. Never parks.
  void Cancel(CancelCause cause = CancelCause::kByHand, absl::string_view detail = {}) {
    scope_.Cancel(cause, detail);
  }

  // Children that have not finished.
  size_t running() const { return running_; }

 private:
  friend class internal::TaskNode;
  void Start(const char* name, std::unique_ptr<internal::TaskNode> node);
  void OnFinished(internal::TaskNode& node);

  const uint64_t owner_id_;  // the fiber that made the group
  CancelScope scope_;        // entered by the children, not by the fiber that made the group
  std::unique_ptr<internal::TaskNode> nodes_;
  size_t running_ = 0;
  absl::Status first_failure_;
  internal::Waiter* joiner_ = nullptr;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TASK_GROUP_H_
