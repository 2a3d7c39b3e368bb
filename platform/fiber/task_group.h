// TaskGroup: children that never outlive the block they were started in (a nursery).
//
//   weft::TaskGroup group;
//   auto price = group.Spawn("price", [&] { return pricing.GetPrice(request); });   // StatusOr<T>
//   auto stock = group.Spawn("stock", [&] { return catalog.GetStock(request); });
//   if (absl::Status s = group.Wait(); !s.ok()) return s;   // first failure; the sibling was
//   return Combine(*price, *stock);                         // cancelled
//
// Rules:
//   - Spawn() starts a fiber on the caller's shard and returns at once. What the function returns
//     (void, absl::Status, absl::StatusOr<T> or T) is the child's result. An exception that leaves
//     the function becomes an INTERNAL status.
//   - The first child that fails cancels the others (cause: sibling failed). They see it at their
//     next cancel point. With OnFailure::kWaitForAll the others go on.
//   - Wait() parks until all children have finished and returns OK or the first failure. It is not
//     a cancel point itself: when the scope round the group is cancelled, the children are, and
//     Wait() returns once they have ended.
//   - The destructor cancels what still runs, and waits.
//   - A child that is spawned when the group is cancelled starts, and sees it at its first cancel
//     point. A group may be used again after Wait(); one that has failed stays cancelled.
//
// Memory: a child is freed when it has ended and its Task is gone: a group may spawn for ever.
//
//   weft::TaskGroup connections({.on_failure = weft::OnFailure::kWaitForAll});
//   while (std::optional<Socket> s = listener.Accept()) {
//     connections.Spawn("connection", [s = *std::move(s)]() mutable { return Serve(s); });
//   }
//
// How many run at once is bounded by the shard alone (RuntimeOptions::max_fibers_per_shard). Work
// of unknown amount goes through ForEach (for_each.h), or takes a place in a Semaphore first.
//
// See also gather.h, race.h and for_each.h for what is usually wanted of a group, in one call.
//
// Threading: a group belongs to the fiber that made it, which alone waits for it and destroys it.
// Spawn() and Cancel() are for all fibers of that shard: its children above all. Anything else ends
// the process with a message.
#ifndef WEFT_PLATFORM_FIBER_TASK_GROUP_H_
#define WEFT_PLATFORM_FIBER_TASK_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/task_node.h"
#include "platform/fiber/internal/waiter.h"
#include "platform/fiber/stack_size.h"

namespace weft {

// What the failure of one child does to its siblings.
enum class OnFailure {
  kCancelSiblings,
  kWaitForAll,  // nothing: each child's own Task tells how it ended
};

// The handle of a child and the owner of its result. It may outlive the group. Moved, not copied;
// dropping it does nothing to the child. Used on the group's shard.
template <typename T>
class Task {
 public:
  Task() = default;  // of no child
  Task(Task&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Task() {
    if (node_ != nullptr) node_->DropHandle();
  }

  // Whether the child has ended; after Wait() it has.
  bool done() const { return node_ != nullptr && node_->done(); }
  // OK when the child has finished without failure. Requires: done().
  const absl::Status& status() const {
    Check(done(), "a Task is read after its child has ended: after TaskGroup::Wait()");
    return node_->status();
  }
  // What the child returned; to be moved from if you like. Requires: status().ok().
  template <typename U = T>
  std::add_lvalue_reference_t<U> operator*() const {
    Check(status().ok(), "a Task has a value when its status() is OK: look at that first");
    return *node_->value;
  }
  template <typename U = T>
  U* operator->() const {
    return &**this;
  }

 private:
  friend class TaskGroup;
  explicit Task(internal::ValueTaskNode<T>* node) : node_(node) {}
  internal::ValueTaskNode<T>* node_ = nullptr;
};

class TaskGroup {
 public:
  // `deadline`, `shield` and `name` are those of the scope round the children (cancel_scope.h).
  struct Options {
    absl::Time deadline = absl::InfiniteFuture();
    bool shield = false;
    const char* name = "";
    OnFailure on_failure = OnFailure::kCancelSiblings;
    StackSize stack = StackSize::kDefault;  // of the children, not of theirs
  };

  // Requires: on a fiber.
  TaskGroup() : TaskGroup(Options{}) {}
  explicit TaskGroup(const Options& options);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a child. `name` is shown in /debug/fibers and, when the child fails, to its siblings; it
  // must outlive the child (a literal). The child starts with a copy of the caller's FiberLocals.
  // Never parks. A child that cannot be started (too many fibers) ends at once with
  // RESOURCE_EXHAUSTED, which is a failure like any other.
  template <typename F>
  auto Spawn(const char* name, F function) {
    auto* const node = new internal::FunctionTaskNode<F>(this, std::move(function));
    Task<internal::TaskValue<F&>> task(node);
    Start(name, *node);
    return task;
  }
  template <typename F>
  auto Spawn(F function) {
    return Spawn(kUnnamedTask, std::move(function));
  }

  // Parks until every child has finished; see the rules above. May be called again, also after more
  // Spawns. Only by the fiber that made the group.
  absl::Status Wait();

  // Cancels the children; Wait() still waits for them to end. Never parks.
  void Cancel(CancelCause cause = CancelCause::kByHand, absl::string_view detail = {}) {
    scope_.Cancel(cause, detail);
  }

  // The scope round the children: whether, and why, they were cancelled.
  const CancelScope& scope() const { return scope_; }

  // Children that have not finished.
  size_t running() const { return running_; }

 private:
  friend class internal::TaskNode;
  static constexpr char kUnnamedTask[] = "task";

  TaskGroup(internal::FiberRecord& owner, const Options& options);
  void Start(const char* name, internal::TaskNode& node);
  // On the child's fiber; or, for one that could not be started, with its name.
  void OnFinished(internal::TaskNode& node, const char* not_started);
  void CancelSiblings(const char* failed);
  bool IsCalledByOwner() const;

  const uint64_t owner_id_;  // the fiber that made the group
  CancelScope scope_;        // entered by the children, not by the fiber that made the group
  const OnFailure on_failure_;
  const StackSize stack_;
  size_t running_ = 0;
  absl::Status first_failure_;
  internal::Waiter* joiner_ = nullptr;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TASK_GROUP_H_
