#include "platform/fiber/task_group.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/task_node.h"
#include "platform/fiber/internal/task_result.h"

namespace weft {
namespace internal {

absl::Status StatusOfException() {
  try {
    throw;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("a task threw an exception: ", e.what()));
  } catch (...) {
    return absl::InternalError("a task threw something that is no std::exception");
  }
}

void TaskNode::Run() {
  try {
    status_ = Invoke();
  } catch (...) {
    status_ = StatusOfException();
  }
}

void TaskNode::Finished() { group_->OnFinished(*this, /*not_started=*/nullptr); }

}  // namespace internal

namespace {

internal::FiberRecord& CallingFiber() {
  internal::FiberRecord* const fiber = internal::CurrentFiber();
  Check(fiber != nullptr, "a TaskGroup is made on a fiber");
  return *fiber;
}

}  // namespace

TaskGroup::TaskGroup(const Options& options) : TaskGroup(CallingFiber(), options) {}

TaskGroup::TaskGroup(internal::FiberRecord& owner, const Options& options)
    : owner_id_(owner.id),
      scope_(owner.shard, options.shield ? nullptr : owner.scope,
             internal::ToDeadlineNanos(options.deadline), options.name),
      on_failure_(options.on_failure),
      stack_(options.stack) {}

bool TaskGroup::IsCalledByOwner() const {
  const internal::FiberRecord* const fiber = internal::CurrentFiber();
  return fiber != nullptr && fiber->id == owner_id_;
}

TaskGroup::~TaskGroup() {
  Check(IsCalledByOwner(), "a TaskGroup is destroyed by the fiber that made it");
  if (running_ == 0) return;
  Cancel(CancelCause::kByHand, "the task group was left");
  Wait().IgnoreError();
}

void TaskGroup::Start(const char* name, internal::TaskNode& node) {
  internal::Shard* const shard = internal::Shard::Current();
  Check(shard != nullptr && shard == scope_.shard_,
        "TaskGroup::Spawn is called on the group's shard: by the fiber that made the group, or by "
        "its children");
  ++running_;
  if (!shard->Start(node, {.name = name,
                           .scope = &scope_,
                           .parent_id = owner_id_,
                           .group = this,
                           .inherit_locals = true,
                           .stack = stack_})) {
    node.set_status(absl::ResourceExhaustedError(
        "no fiber for a task: RuntimeOptions::max_fibers_per_shard or memory is used up"));
    OnFinished(node, name);
  }
}

void TaskGroup::OnFinished(internal::TaskNode& node, const char* not_started) {
  const absl::Status& status = node.status();
  if (!status.ok() && first_failure_.ok()) [[unlikely]] {
    first_failure_ = status;
    if (on_failure_ == OnFailure::kCancelSiblings) {
      CancelSiblings(not_started != nullptr ? not_started : internal::CurrentFiber()->name);
    }
  }
  node.End();
  if (--running_ == 0 && joiner_ != nullptr) internal::Wake(*joiner_);
}

// Apart from OnFinished(), which every child goes through.
void TaskGroup::CancelSiblings(const char* failed) {
  const std::string who = failed == kUnnamedTask ? "" : absl::StrCat("task '", failed, "': ");
  scope_.Cancel(CancelCause::kSiblingFailed,
                absl::StrCat(who, absl::StatusCodeToString(first_failure_.code()), ": ",
                             first_failure_.message()));
}

absl::Status TaskGroup::Wait() {
  Check(IsCalledByOwner(), "a TaskGroup is waited for by the fiber that made it");
  while (running_ > 0) {
    internal::Waiter waiter({.kind = "task group", .object = this});
    joiner_ = &waiter;
    internal::ParkUncancellable(waiter);
    joiner_ = nullptr;
  }
  return first_failure_;
}

}  // namespace weft
